// Messages as OpenAI's clients send them, as chat templates read them.

import { isListOf } from '../runtime/lists.ts';
import { isObject, type JsonObject, show } from '../source/json.ts';
import type { ChatMessage } from '../tokenizer/chat-template.ts';
import { type ApiError, wrongField } from './api-error.ts';
import type { Fields } from './fields.ts';

const roles = ['system', 'developer', 'user', 'assistant', 'tool'];

/** The messages of a request. @throws ApiError */
export function chatMessages(fields: Fields): ChatMessage[] {
  const messages = fields.required('messages', fields.objects('messages'));
  if (messages.length === 0) throw fields.wrong('messages', 'one message at least');
  return messages.map((message, index) => chatMessage(message, `messages[${index}]`));
}

function chatMessage(message: JsonObject, param: string): ChatMessage {
  const { role, content, tool_calls: calls } = message;
  if (typeof role !== 'string' || !roles.includes(role)) {
    throw wrong(`${param}.role`, role, `one of ${roles.join(', ')}`);
  }
  const isCall = role === 'assistant' && (calls ?? undefined) !== undefined;
  if ((content ?? undefined) === undefined && !isCall) {
    throw wrong(`${param}.content`, content, 'a string or a list of parts');
  }
  const { tool_calls: _, ...rest } = message;
  return {
    ...rest,
    // Templates know the older name.
    role: role === 'developer' ? 'system' : role,
    content: contentText(content ?? '', `${param}.content`),
    ...(isCall && { tool_calls: readCalls(calls, `${param}.tool_calls`) }),
  };
}

/** The texts of a message; models that write read nothing else. */
function contentText(content: unknown, param: string): string {
  if (typeof content === 'string') return content;
  if (!isListOf(content, isObject)) throw wrong(param, content, 'a string or a list of parts');
  return content
    .map(({ type, text, refusal }, index) => {
      const said = type === 'refusal' ? refusal : text;
      if ((type === 'text' || type === 'refusal') && typeof said === 'string') return said;
      throw wrong(`${param}[${index}]`, type, 'a part of type text; this model reads texts alone');
    })
    .join('');
}

/** Calls of tools, whose arguments templates write as JSON by themselves. */
function readCalls(calls: unknown, param: string): JsonObject[] {
  if (!isListOf(calls, isObject)) throw wrong(param, calls, 'a list of calls');
  return calls.map((call, index) => {
    const { function: called } = call;
    const at = `${param}[${index}].function`;
    if (!isObject(called) || typeof called['name'] !== 'string') {
      throw wrong(at, called, 'an object with the name of a function');
    }
    const { arguments: given = '{}' } = called;
    if (typeof given !== 'string') throw wrong(`${at}.arguments`, given, 'JSON in a string');
    try {
      return { ...call, function: { ...called, arguments: JSON.parse(given) as unknown } };
    } catch {
      throw wrong(`${at}.arguments`, given, 'JSON in a string');
    }
  });
}

function wrong(param: string, value: unknown, wanted: string): ApiError {
  return wrongField(param, `${param} is ${show(value)}; wanted ${wanted}.`);
}
