// POST /v1/chat/completions

import { isObject, type JsonObject, show } from '../source/json.ts';
import type { ChatMessage } from '../tokenizer/chat-template.ts';
import { wrongField } from './api-error.ts';
import { jsonBody } from './body.ts';
import { type Call, type Endpoint, newId, unixTime } from './call.ts';
import { chatMessages } from './chat-messages.ts';
import type { FinishReason, Piece } from './choice.ts';
import { Fields } from './fields.ts';
import { generationFields, generationSettings } from './generation-fields.ts';
import { answers, promptIds, usageOf, write, type Writer } from './generating.ts';
import type { Numbered } from './interleaved.ts';
import { eventResponse } from './server-events.ts';
import { chatLogProbs } from './token-texts.ts';
import { ToolCallReader, type ToolReading, toolReading } from './tool-calls.ts';

const known = [
  ...generationFields,
  'messages',
  'max_completion_tokens',
  'top_logprobs',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'response_format',
  'modalities',
  'store',
  'service_tier',
  'chat_template_kwargs',
];

/** What an answer is made with. */
interface Chat {
  readonly call: Call;
  readonly writer: Writer;
  readonly pieces: AsyncGenerator<Numbered<Piece>, void, undefined>;
  readonly count: number;
  readonly weighs: boolean;
  /** How calls are found; undefined where there are no tools. */
  readonly reading: ToolReading | undefined;
  readonly includeUsage: boolean;
}

export const chatCompletions: Endpoint = async (call) => {
  const body = await jsonBody(call.request, call.limits.bodyBytes);
  const fields = new Fields(body, known);
  refuseOthers(fields);
  const writer = call.models.named(fields, 'text-generation');
  call.notes.model = writer.id;
  call.notes.prompt = fields.get('messages');
  const settings = generationSettings(fields, writer.pipeline.model.generationConfig);
  const weighs = fields.flag('logprobs') ?? false;
  const top = fields.whole('top_logprobs', 0, 20);
  if (top !== undefined && !weighs) {
    throw wrongField('top_logprobs', 'top_logprobs is for requests with logprobs: true.');
  }
  const tools = toolsOf(fields);
  const prompt = await chatPrompt(writer, chatMessages(fields), tools, fields);
  const reading = tools && toolReading(writer.pipeline.tokenizer, tools);
  const pieces = write(call, writer, {
    prompts: [prompt],
    marks: reading?.marks,
    settings,
    ...lengthOf(fields),
    topLogProbs: weighs ? (top ?? 0) : undefined,
  });
  const { count, includeUsage } = settings;
  const chat: Chat = { call, writer, pieces, count, weighs, reading, includeUsage };
  return settings.stream ? eventResponse(call, chunks(chat)) : whole(chat);
};

/** Refuses by name what no model here can do. */
function refuseOthers(fields: Fields): void {
  const format = fields.object('response_format')?.['type'];
  if (format !== undefined && format !== 'text') {
    throw wrongField(
      'response_format',
      `response_format is ${show(format)}: answers cannot be held to a grammar here. Ask for it in a message, or leave it out.`,
      'unsupported_value',
    );
  }
  const modalities = fields.get('modalities');
  if (modalities !== undefined && JSON.stringify(modalities) !== '["text"]') {
    throw fields.wrong('modalities', '["text"]; answers are texts');
  }
  fields.only('store', [false], 'nothing is stored here. Leave it out.');
  fields.only('service_tier', ['auto', 'default'], 'there is one tier. Leave it out.');
  fields.only(
    'parallel_tool_calls',
    [true],
    'models call as many tools as they like. Leave it out.',
  );
}

/** Both names of a length, the newer one first. */
function lengthOf(fields: Fields): { param: string; maxTokens: number | undefined } {
  const newer = fields.whole('max_completion_tokens', 1);
  const older = fields.whole('max_tokens', 1);
  return newer === undefined
    ? { param: 'max_tokens', maxTokens: older }
    : { param: 'max_completion_tokens', maxTokens: newer };
}

/** The tools that the template is given; undefined for none. */
function toolsOf(fields: Fields): JsonObject[] | undefined {
  const tools = fields.objects('tools');
  fields.only(
    'tool_choice',
    ['auto', 'none'],
    'no model can be made to call a tool. Pass "auto" or "none".',
  );
  for (const [index, { type, function: one }] of (tools ?? []).entries()) {
    if (type === 'function' && isObject(one) && typeof one['name'] === 'string') continue;
    const param = `tools[${index}]`;
    throw wrongField(
      param,
      `${param} is no function with a name: { type: "function", function: { name } }.`,
    );
  }
  return fields.get('tool_choice') === 'none' || tools?.length === 0 ? undefined : tools;
}

/** Token ids of a chat, up to where the assistant answers. */
async function chatPrompt(
  writer: Writer,
  messages: readonly ChatMessage[],
  tools: readonly JsonObject[] | undefined,
  fields: Fields,
): Promise<number[]> {
  const variables = fields.object('chat_template_kwargs');
  const text = await writer.pipeline.tokenizer.applyChatTemplate(messages, {
    addGenerationPrompt: true,
    ...(tools && { tools }),
    ...(variables && { variables }),
  });
  return promptIds(writer, text, false, 'messages');
}

/** What all parts of an answer begin with. */
function headOf({ writer }: Chat, object: string): object {
  return { id: newId('chatcmpl'), object, created: unixTime(), model: writer.id };
}

async function whole(chat: Chat): Promise<Response> {
  const { call, writer, pieces, count, weighs, reading } = chat;
  const found = await answers(pieces, count);
  const choices = found.map(({ text, tokens, finishReason }, index) => {
    const reader = reading && new ToolCallReader(reading);
    const shown = reader?.push(text) ?? text;
    const { text: rest = '', calls = [] } = reader?.end() ?? {};
    const content = shown + rest;
    const isCall = calls.length > 0;
    return {
      index,
      message: {
        role: 'assistant',
        content: isCall && content.trim() === '' ? null : content,
        refusal: null,
        ...(isCall && { tool_calls: calls }),
      },
      logprobs: weighs ? chatLogProbs(writer.pipeline.tokenizer, tokens) : null,
      finish_reason: isCall ? 'tool_calls' : finishReason,
    };
  });
  return Response.json({ ...headOf(chat, 'chat.completion'), choices, usage: usageOf(call) });
}

async function* chunks(chat: Chat): AsyncGenerator<object, void, undefined> {
  const { call, pieces, count, reading, includeUsage } = chat;
  const head = headOf(chat, 'chat.completion.chunk');
  const usage = includeUsage ? { usage: null } : {};
  const chunk = (choice: object): object => ({ ...head, choices: [choice], ...usage });
  const readers = Array.from({ length: count }, () => reading && new ToolCallReader(reading));
  const begun = new Set<number>();
  for await (const { index, item } of pieces) {
    if (!begun.has(index)) {
      begun.add(index);
      yield chunk({
        index,
        delta: { role: 'assistant', content: '' },
        logprobs: null,
        finish_reason: null,
      });
    }
    for (const choice of choicesOf(chat, item, readers[index])) yield chunk({ index, ...choice });
  }
  if (includeUsage) yield { ...head, choices: [], usage: usageOf(call) };
}

/** What a piece adds to its choice. */
function* choicesOf(
  { weighs, writer }: Chat,
  { text, tokens, finishReason }: Piece,
  reader: ToolCallReader | undefined,
): Generator<object> {
  const logprobs =
    weighs && tokens.length > 0 ? chatLogProbs(writer.pipeline.tokenizer, tokens) : null;
  const shown = reader?.push(text) ?? text;
  if (shown !== '' || logprobs !== null) {
    yield { delta: { content: shown }, logprobs, finish_reason: null };
  }
  if (finishReason === undefined) return;
  const { text: rest = '', calls = [] } = reader?.end() ?? {};
  if (rest !== '') yield { delta: { content: rest }, logprobs: null, finish_reason: null };
  if (calls.length > 0) {
    const numbered = calls.map((one, index) => ({ index, ...one }));
    yield { delta: { tool_calls: numbered }, logprobs: null, finish_reason: null };
  }
  const reason: FinishReason | 'tool_calls' = calls.length > 0 ? 'tool_calls' : finishReason;
  yield { delta: {}, logprobs: null, finish_reason: reason };
}
