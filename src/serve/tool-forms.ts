// The forms in which models write calls of tools, as the chat templates of their families show them.

import { isObject, type JsonObject } from '../source/json.ts';
import { literalWords, pythonicCalls } from './pythonic-calls.ts';

/** A call as it is written. */
export interface WrittenCall {
  readonly name: string;
  /** An object, or JSON in a string. */
  readonly arguments: unknown;
}

/** A form of calls. */
interface ToolForm {
  /** What a call begins with. */
  readonly begin: string;
  /** What it ends with, where it is not the end of the text. */
  readonly end?: string;
  /** The calls between both; undefined where they cannot be read. */
  readonly read: (body: string, tools: readonly JsonObject[]) => readonly WrittenCall[] | undefined;
}

/** Qwen, Hermes, SmolLM3, Granite 4 and many others; Qwen3-Coder and Qwen3.5 write elements in place of JSON. */
const hermes: ToolForm = {
  begin: '<tool_call>',
  end: '</tool_call>',
  read: (body, tools) => jsonCalls(body) ?? elementCalls(body, tools),
};

/** Phi-4-mini, and Granite 3, which leaves the end out. */
const phi: ToolForm = { begin: '<|tool_call|>', end: '<|/tool_call|>', read: jsonCalls };

/** LFM2: a list of calls as Python has it. */
const lfm2: ToolForm = {
  begin: '<|tool_call_start|>',
  end: '<|tool_call_end|>',
  read: (body) => pythonicCalls(body) ?? jsonCalls(body),
};

/** Mistral: a list, or since the eleventh tokenizer a name and its arguments. */
const mistral: ToolForm = {
  begin: '[TOOL_CALLS]',
  read: (body) => jsonCalls(body) ?? namedCall(body),
};

/** Llama 3, where it marks them; see `bareCalls`. */
const llama: ToolForm = { begin: '<|python_tag|>', read: listedCalls };

export const toolForms: readonly ToolForm[] = [hermes, phi, lfm2, mistral, llama];

/** All that stands around calls, and is a special token with some of the models. */
export const toolMarks: readonly string[] = [
  ...toolForms.flatMap(({ begin, end }) => (end === undefined ? [begin] : [begin, end])),
  '[ARGS]',
  '[CALL_ID]',
];

/** The mark of models that also write calls without one: a message that is nothing but JSON. */
export const markOfBare: string = llama.begin;

/** Calls without a mark, of tools that there are; undefined where the text is something else. */
export function bareCalls(
  text: string,
  tools: readonly JsonObject[],
): readonly WrittenCall[] | undefined {
  const calls = listedCalls(text);
  const known = new Set(tools.map(({ function: one }) => isObject(one) && one['name']));
  return calls?.every(({ name }) => known.has(name)) === true ? calls : undefined;
}

/** `{"name": …, "arguments": {…}}`, with `parameters` as Llama has it, or a list of them. */
function jsonCalls(text: string): WrittenCall[] | undefined {
  const given = parsed(text);
  const all: readonly unknown[] = Array.isArray(given) ? given : [given];
  const calls = all.flatMap((one) => {
    if (!isObject(one) || typeof one['name'] !== 'string') return [];
    return [{ name: one['name'], arguments: one['arguments'] ?? one['parameters'] ?? {} }];
  });
  return calls.length === all.length && calls.length > 0 ? calls : undefined;
}

/** The same, or objects with semicolons between them. */
function listedCalls(text: string): WrittenCall[] | undefined {
  const whole = jsonCalls(text);
  if (whole !== undefined) return whole;
  const calls = text.split(/(?<=\})\s*;\s*(?=\{)/).map(jsonCalls);
  return calls.every((one) => one !== undefined) ? calls.flat() : undefined;
}

/** `name[ARGS]{…}`, perhaps with `[CALL_ID]…` between them. */
function namedCall(text: string): WrittenCall[] | undefined {
  const found = /^\s*([\w.-]+)(?:\[CALL_ID\][\w-]+)?(?:\[ARGS\])?\s*(\{.*\})\s*$/s.exec(text);
  const [, name, json = ''] = found ?? [];
  const given = parsed(json);
  return name !== undefined && isObject(given) ? [{ name, arguments: given }] : undefined;
}

const parameter = /<parameter=([^>]+)>\n?(.*?)\n?<\/parameter>/gs;

/** `<function=name><parameter=key>value</parameter>…</function>`: values are texts, but for tools that want others. */
function elementCalls(text: string, tools: readonly JsonObject[]): WrittenCall[] | undefined {
  const [, name = '', body = ''] = /^\s*<function=([^>]+)>(.*)<\/function>\s*$/s.exec(text) ?? [];
  if (name === '' || body.replaceAll(parameter, '').trim() !== '') return undefined;
  const found = tools.find(({ function: one }) => isObject(one) && one['name'] === name);
  const types = propertiesOf(found?.['function']);
  const given = Array.from(body.matchAll(parameter), ([, key = '', value = '']) => {
    return [key, valueOf(value, types[key])] as const;
  });
  return [{ name, arguments: Object.fromEntries(given) }];
}

/** The schema of each argument of a function. */
function propertiesOf(described: unknown): JsonObject {
  const schema = isObject(described) ? described['parameters'] : undefined;
  const properties = isObject(schema) ? schema['properties'] : undefined;
  return isObject(properties) ? properties : {};
}

/** A value by its schema: a text where that says nothing else, or where the value is none of its kind. */
function valueOf(text: string, schema: unknown): unknown {
  const types = isObject(schema) ? [schema['type']].flat() : [];
  if (types.length === 0 || types.includes('string')) return text;
  const value = Object.hasOwn(literalWords, text) ? literalWords[text] : parsed(text);
  return value === undefined ? text : value;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
