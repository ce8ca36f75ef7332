// Calls of functions as Python has them: [find(who="Marie", years=[1903, 1911]), stop()]. Arguments have names, and are
// literals.

import type { WrittenCall } from './tool-forms.ts';

/** What Python and JSON call what is no number and no text. */
export const literalWords: Readonly<Record<string, unknown>> = {
  True: true,
  False: false,
  None: null,
  true: true,
  false: false,
  null: null,
};
const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\n': '' };

/** The calls of a list, or one without brackets; undefined where it is none. */
export function pythonicCalls(text: string): WrittenCall[] | undefined {
  const reader = new LiteralReader(text);
  try {
    const calls = reader.takes('[') ? reader.listed(']', () => callOf(reader)) : [callOf(reader)];
    return reader.isDone && calls.length > 0 ? calls : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function callOf(reader: LiteralReader): WrittenCall {
  const name = reader.match(/[A-Za-z_][\w.]*/y);
  reader.expect('(');
  const given = reader.listed(')', () => {
    const key = reader.match(/[A-Za-z_]\w*/y);
    reader.expect('=');
    return [key, reader.value(0)] as const;
  });
  return { name, arguments: Object.fromEntries(given) };
}

/** Lists and dictionaries within each other at most. */
const deepest = 64;

class LiteralReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Whether nothing is left. */
  get isDone(): boolean {
    return this.#text.slice(this.#at).trim() === '';
  }

  /** What stands here, behind spaces. @throws SyntaxError */
  match(pattern: RegExp): string {
    const found = this.#find(pattern);
    if (found === undefined) throw new SyntaxError(`unexpected at ${this.#at}`);
    return found;
  }

  /** Whether a character stands here, which is passed over then. */
  takes(character: string): boolean {
    this.#find(/\s*/y);
    const isHere = this.#text[this.#at] === character;
    if (isHere) this.#at++;
    return isHere;
  }

  /** @throws SyntaxError where another character stands here */
  expect(character: string): void {
    if (!this.takes(character)) throw new SyntaxError(`no ${character} at ${this.#at}`);
  }

  /** Items with commas between them, and perhaps one behind the last, to the end. @throws SyntaxError */
  listed<T>(end: string, item: () => T): T[] {
    const items: T[] = [];
    while (!this.takes(end)) {
      items.push(item());
      if (this.takes(',')) continue;
      this.expect(end);
      break;
    }
    return items;
  }

  /** A literal. @throws SyntaxError */
  value(depth: number): unknown {
    if (depth > deepest) throw new SyntaxError('too deep');
    const inner = (): unknown => this.value(depth + 1);
    if (this.takes('[')) return this.listed(']', inner);
    if (this.takes('(')) return this.listed(')', inner);
    if (this.takes('{')) {
      const entries = this.listed('}', () => {
        const key = inner();
        this.expect(':');
        return [String(key), inner()] as const;
      });
      return Object.fromEntries(entries);
    }
    const quoted = this.#find(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/sy);
    if (quoted !== undefined) return unquoted(quoted);
    const number = this.#find(/[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?!\w)/y);
    if (number !== undefined) return Number(number.replaceAll('_', ''));
    const word = this.match(/[A-Za-z]+/y);
    if (!Object.hasOwn(literalWords, word)) throw new SyntaxError(`no literal: ${word}`);
    return literalWords[word];
  }

  #find(pattern: RegExp): string | undefined {
    const spaces = /\s*/y;
    spaces.lastIndex = this.#at;
    spaces.test(this.#text);
    pattern.lastIndex = spaces.lastIndex;
    const [found] = pattern.exec(this.#text) ?? [];
    if (found !== undefined) this.#at = pattern.lastIndex;
    return found;
  }
}

/** The text of a string literal. */
function unquoted(literal: string): string {
  return literal
    .slice(1, -1)
    .replaceAll(/\\(?:u([\dA-Fa-f]{4})|x([\dA-Fa-f]{2})|(.))/gs, (_, unicode, hex, other) => {
      const code = (unicode ?? hex) as string | undefined;
      return code === undefined
        ? (escapes[String(other)] ?? String(other))
        : String.fromCharCode(Number.parseInt(code, 16));
    });
}
