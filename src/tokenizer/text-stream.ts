// Token ids that come one by one, as pieces of text.

/** What a stream needs of a tokenizer. */
interface Decoder {
  decode(tokenIds: readonly number[]): string;
  /** The part of the decoded text that no later token can change. */
  decodeCertain(tokenIds: readonly number[]): string;
}

/** An end that no clean-up reaches across, so that what follows can be decoded by itself. */
const boundary = /[^ 'nvr\ufffd]$/;

/** So many tokens beyond the last boundary are decoded again with each new one. */
const fewTokens = 64;

/**
 * Turns token ids that come one by one into pieces of text. A piece is given out only when no later
 * token can change it, so the pieces together are what decoding all tokens at once gives, without
 * the text of the tokens they go on from.
 */
export class TextStream {
  readonly #tokenizer: Decoder;
  /** The tokens since the boundary before the last: the first `#settled` give context to the rest. */
  #tokenIds: number[];
  #settled: number;
  /** What was given out of the text of `#tokenIds`, or was there before. */
  #length: number;
  /** How many of `#tokenIds` there were at the last boundary. */
  #known: number;
  /** Tokens to wait for before all of them are decoded again. */
  #wait = 0;

  /** `before` are the tokens of a prompt, whose end decides how the first token reads. */
  constructor(tokenizer: Decoder, before: readonly number[] = []) {
    this.#tokenizer = tokenizer;
    // Not all of a long prompt, but back to a boundary: clean-up may reach back into it.
    this.#tokenIds = endOf(tokenizer, before);
    this.#settled = 0;
    this.#known = this.#tokenIds.length;
    this.#length = tokenizer.decode(this.#tokenIds).length;
  }

  /** The text that has become certain with this token, maybe none yet. */
  push(tokenId: number): string {
    this.#tokenIds.push(tokenId);
    if (this.#tokenIds.length < this.#wait) return '';
    const certain = this.#tokenizer.decodeCertain(this.#tokenIds);
    const piece = textAfter(certain, this.#length);
    this.#length = Math.max(this.#length, certain.length);
    if (piece !== '' && boundary.test(certain)) this.#settle(certain);
    // Where no boundary comes, tokens wait for an eighth more: their number counts, not its square.
    const count = this.#tokenIds.length;
    this.#wait = count - this.#known > fewTokens ? count + Math.floor(count / 8) : 0;
    return piece;
  }

  /** What is left at the end. */
  end(): string {
    const text = this.#tokenizer.decode(this.#tokenIds);
    const rest = textAfter(text, this.#length);
    this.#length = Math.max(this.#length, text.length);
    return rest;
  }

  /** The text ends at a boundary: tokens before the last one are no longer needed. */
  #settle(certain: string): void {
    if (this.#tokenizer.decode(this.#tokenIds) !== certain) return;
    this.#tokenIds = this.#tokenIds.slice(this.#settled);
    this.#settled = this.#tokenIds.length;
    this.#known = this.#settled;
    this.#length = this.#tokenizer.decode(this.#tokenIds).length;
  }
}

/** The last tokens of a prompt, from a boundary on where there is one nearby. */
function endOf(tokenizer: Decoder, before: readonly number[]): number[] {
  for (let count = fewTokens / 2; count < before.length && count < fewTokens; count += 8) {
    const head = before.slice(0, -count);
    const certain = tokenizer.decodeCertain(head);
    if (boundary.test(certain) && tokenizer.decode(head) === certain) return before.slice(-count);
  }
  return [...before];
}

/** A text from a place on, which moves behind a character that it would cut in two. */
export function textAfter(text: string, start: number): string {
  const isWithin = /[\ud800-\udbff][\udc00-\udfff]/.test(
    text.slice(Math.max(0, start - 1), start + 1),
  );
  return text.slice(isWithin && start > 0 ? start + 1 : start);
}
