// Calls of tools in what a model writes. Forms that are not known stay text.

import type { JsonObject } from '../source/json.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { newId } from './call.ts';
import { StopStrings } from './stop-strings.ts';
import { bareCalls, markOfBare, toolForms, toolMarks, type WrittenCall } from './tool-forms.ts';

/** A call of a tool, as OpenAI's clients read it. */
export interface ToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

/** How the calls of a request are found. */
export interface ToolReading {
  readonly tools: readonly JsonObject[];
  /** Special tokens that stand around calls, which stay in the text. */
  readonly marks: ReadonlyMap<number, string>;
  /** Whether a message that is nothing but JSON may be a call. */
  readonly mayBeBare: boolean;
}

/** How calls of these tools are found in what a model of this tokenizer writes. */
export function toolReading(tokenizer: Tokenizer, tools: readonly JsonObject[]): ToolReading {
  const known = toolMarks.flatMap((mark) => {
    const ids = tokenizer.encode(mark, undefined, { addSpecialTokens: false });
    const [id] = ids;
    return ids.length === 1 && id !== undefined ? [[id, mark] as const] : [];
  });
  const marks = new Map(known.filter(([id]) => tokenizer.decode([id]) === ''));
  return { tools, marks, mayBeBare: known.some(([, mark]) => mark === markOfBare) };
}

/** Takes calls out of a text that comes in pieces. What stands before the first of them is text. */
export class ToolCallReader {
  readonly #before = new StopStrings(toolForms.map(({ begin }) => begin));
  readonly #tools: readonly JsonObject[];
  #mayBeBare: boolean;
  #all = '';
  #shown = 0;

  constructor({ tools, mayBeBare }: ToolReading) {
    this.#tools = tools;
    this.#mayBeBare = mayBeBare;
  }

  /** The text that certainly is none of a call. */
  push(piece: string): string {
    this.#all += piece;
    if (this.#mayBeBare) {
      const begun = this.#all.trimStart();
      if (begun === '' || begun.startsWith('{')) return '';
      this.#mayBeBare = false;
      return this.#show(this.#all);
    }
    return this.#show(piece);
  }

  /** The calls, and the rest of the text: all that was held back where a call cannot be read. */
  end(): { readonly text: string; readonly calls: readonly ToolCall[] } {
    const rest = this.#all.slice(this.#shown);
    const found = this.#mayBeBare
      ? { text: '', calls: bareCalls(rest, this.#tools) }
      : this.#before.stopped
        ? markedCalls(rest, this.#tools)
        : undefined;
    if (found?.calls === undefined) return { text: rest, calls: [] };
    return { text: found.text, calls: found.calls.map(toolCall) };
  }

  #show(piece: string): string {
    const text = this.#before.push(piece);
    this.#shown += text.length;
    return text;
  }
}

/** The calls of a text that begins with the mark of one, and what stands between and behind them. */
function markedCalls(
  text: string,
  tools: readonly JsonObject[],
): { readonly text: string; readonly calls: readonly WrittenCall[] } | undefined {
  const form = toolForms.find(({ begin }) => text.startsWith(begin));
  if (form === undefined) return undefined;
  const calls: WrittenCall[] = [];
  const others: string[] = [];
  for (const part of text.split(form.begin).slice(1)) {
    // The token that ends a text may stand in place of the last mark.
    const [body = '', ...behind] = form.end === undefined ? [part] : part.split(form.end);
    const found = form.read(body, tools);
    if (found === undefined || behind.length > 1) return undefined;
    calls.push(...found);
    others.push(behind.join('').trim());
  }
  return { text: others.filter((other) => other !== '').join('\n'), calls };
}

function toolCall({ name, arguments: given }: WrittenCall): ToolCall {
  const text = typeof given === 'string' ? given : JSON.stringify(given);
  return { id: newId('call'), type: 'function', function: { name, arguments: text } };
}
