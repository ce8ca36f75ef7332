// Calls of tools in what a model writes, in the form that Qwen, Hermes and many others learn:
// <tool_call>{"name": …, "arguments": {…}}</tool_call>. Other forms stay text.

import { isObject } from '../source/json.ts';
import { newId } from './call.ts';
import { StopStrings } from './stop-strings.ts';

/** A call of a tool, as OpenAI's clients read it. */
export interface ToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

const [begin, end] = ['<tool_call>', '</tool_call>'];

/** Takes calls out of a text that comes in pieces. What stands before the first of them is text. */
export class ToolCallReader {
  readonly #before = new StopStrings([begin]);
  #all = '';
  #shown = 0;

  /** The text that certainly is none of a call. */
  push(piece: string): string {
    this.#all += piece;
    const text = this.#before.push(piece);
    this.#shown += text.length;
    return text;
  }

  /** The calls, and the text that was held back: all of it where a call cannot be read. */
  end(): { readonly text: string; readonly calls: readonly ToolCall[] } {
    const rest = this.#all.slice(this.#shown);
    const calls = this.#before.stopped ? callsIn(rest) : undefined;
    return calls === undefined ? { text: rest, calls: [] } : { text: '', calls };
  }
}

/** The calls that a text is made of; undefined where it is made of something else, too. */
function callsIn(text: string): ToolCall[] | undefined {
  const calls: ToolCall[] = [];
  for (const part of text.trim().split(begin).slice(1)) {
    // The token that ends a text may stand in place of the last mark.
    const [json = '', after = ''] = part.split(end);
    const call = callOf(json);
    if (call === undefined || after.trim() !== '') return undefined;
    calls.push(call);
  }
  return calls;
}

function callOf(json: string): ToolCall | undefined {
  let call: unknown;
  try {
    call = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (!isObject(call) || typeof call['name'] !== 'string') return undefined;
  const { name, arguments: given = {} } = call;
  const text = typeof given === 'string' ? given : JSON.stringify(given);
  return { id: newId('call'), type: 'function', function: { name, arguments: text } };
}
