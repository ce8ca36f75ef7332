// Token ids that come one by one, as pieces of text.

/** What a stream needs of a tokenizer. */
interface Decoder {
  decode(tokenIds: readonly number[]): string;
  /** Whether spaces before punctuation and contractions are taken out of the text. */
  readonly cleansUp: boolean;
}

/**
 * What a later token may still change at the end of a text: a character whose bytes are not all
 * there (it decodes to U+FFFD), and with clean-up a space or the start of a contraction.
 */
const uncertain = { plain: /\ufffd+$/, cleaned: /(?:\ufffd+| [ 'nvr]*)$/ };
/** An end that no clean-up reaches across, so that what follows can be decoded by itself. */
const boundary = /[^ 'nvr\ufffd]$/;

/**
 * Turns token ids that come one by one into pieces of text. A piece is given out only when no later
 * token can change it, so the pieces together are what decoding all tokens at once gives.
 */
export class TextStream {
  readonly #tokenizer: Decoder;
  /** The tokens since the boundary before the last: the first `#settled` give context to the rest. */
  #tokenIds: number[] = [];
  #settled = 0;
  /** What was given out of the text of `#tokenIds`. */
  #length = 0;

  constructor(tokenizer: Decoder) {
    this.#tokenizer = tokenizer;
  }

  /** The text that has become certain with this token, maybe none yet. */
  push(tokenId: number): string {
    this.#tokenIds.push(tokenId);
    const text = this.#tokenizer.decode(this.#tokenIds);
    const certain = text.replace(uncertain[this.#tokenizer.cleansUp ? 'cleaned' : 'plain'], '');
    const piece = certain.slice(this.#length);
    this.#length = Math.max(this.#length, certain.length);
    if (piece !== '' && boundary.test(text)) this.#settle();
    return piece;
  }

  /** What is left at the end. */
  end(): string {
    const rest = this.#tokenizer.decode(this.#tokenIds).slice(this.#length);
    this.#length += rest.length;
    return rest;
  }

  /** The text ends at a boundary: tokens before the last one are no longer needed. */
  #settle(): void {
    this.#tokenIds = this.#tokenIds.slice(this.#settled);
    this.#settled = this.#tokenIds.length;
    this.#length = this.#tokenizer.decode(this.#tokenIds).length;
  }
}
