// Reads the options of a generation one by one: the call's, or the files' where the call has none.

import { TransformerError } from '../../runtime/errors.ts';
import { isListOf } from '../../runtime/lists.ts';
import { show } from '../../runtime/print.ts';
import type { StartTokens } from '../inputs/encoder-decoder-inputs.ts';
import type { GenerateOptions, Limits } from './options.ts';
import type { JsonObject } from '../../source/json.ts';

export class OptionReader {
  readonly #asked: JsonObject;
  readonly #file: JsonObject;
  readonly #vocabulary: number;

  /** `vocabulary`: of the tokens that are generated. */
  constructor(options: object, file: JsonObject, vocabulary: number) {
    this.#asked = options as JsonObject;
    this.#file = file;
    this.#vocabulary = vocabulary;
  }

  /** What the call says; undefined where it leaves it to the files. */
  asked(name: string): unknown {
    return this.#asked[name];
  }

  /** What is said of an option; undefined where nothing is, or null. */
  given(name: string): unknown {
    const asked = this.#asked[name];
    return (asked === undefined ? this.#file[snakeCase(name)] : asked) ?? undefined;
  }

  wrong(name: string, wanted: string): TransformerError {
    const where = this.#asked[name] === undefined ? ' in generation_config.json' : '';
    const value = this.given(name);
    return new TransformerError(
      'OPTION_INVALID',
      `${name} is ${show(value)}${where}; wanted ${wanted}.`,
    );
  }

  /** A number within limits. */
  number(name: string, [preset, least, most]: Limits, isWhole = false): number {
    const value = this.given(name) ?? preset;
    const isOne = isWhole ? Number.isInteger(value) : Number.isFinite(value);
    if (isOne && Number(value) >= least && Number(value) <= most) return Number(value);
    const from = least > -Infinity ? ` from ${least}` : '';
    const to = most < 2 ** 31 ? ` to ${most}` : '';
    throw this.wrong(name, `a ${isWhole ? 'whole ' : ''}number${from}${to}`);
  }

  flag(name: string): boolean {
    const value = this.given(name) ?? false;
    if (typeof value === 'boolean') return value;
    throw this.wrong(name, 'true or false');
  }

  token(name: string): number | undefined {
    const id = this.given(name);
    if (id === undefined || this.#isId(id)) return id;
    throw this.wrong(name, this.#ids('a token id'));
  }

  /** A list of tokens, or one. */
  tokens(name: string): readonly number[] {
    const given = this.given(name) ?? [];
    const ids: unknown = Array.isArray(given) ? given : [given];
    if (this.isIds(ids)) return ids;
    throw this.wrong(name, this.#ids('token ids'));
  }

  /** A list of things that have token ids. */
  list<T>(name: string, isOne: (item: unknown) => item is T, what: string): readonly T[] {
    const value = this.given(name) ?? [];
    const items: unknown[] = Array.isArray(value) ? Array.from<unknown>(value) : [undefined];
    if (items.every(isOne)) return items;
    throw this.wrong(name, `a list of ${what}, ${this.#ids('of token ids')}`);
  }

  isIds(ids: unknown): ids is readonly number[] {
    return isListOf(ids, (id) => this.#isId(id));
  }

  #isId(id: unknown): id is number {
    return Number.isInteger(id) && Number(id) >= 0 && Number(id) < this.#vocabulary;
  }

  #ids(what: string): string {
    return `${what} from 0 to ${this.#vocabulary - 1}`;
  }
}

/** What a decoder's sequences begin with, and what fills them up. Errors: OPTION_INVALID. */
export function startTokens(
  options: GenerateOptions,
  file: JsonObject,
  vocabulary: number,
): StartTokens {
  const read = new OptionReader(options, file, vocabulary);
  const startToken = read.token('decoderStartTokenId') ?? read.token('bosTokenId');
  if (startToken === undefined) throw read.wrong('decoderStartTokenId', 'a token to begin with');
  return { startToken, padToken: read.token('padTokenId') ?? read.tokens('eosTokenId')[0] ?? 0 };
}

/** An option's name as files have it. */
export function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
