// A text on its way through a tokenizer that remembers, for each UTF-16 unit, where it came from in
// the text that was given. Normalizers and pre-tokenizers only ever rewrite it piece by piece, so
// that a token's place in the given text follows by itself.

/** `[start, end)` of a piece, in UTF-16 units. */
export type Span = readonly [start: number, end: number];

export class AlignedText {
  readonly text: string;
  /** Where the whole began in the given text, whatever was removed in front since. */
  readonly origin: number;
  readonly #starts: readonly number[];
  readonly #ends: readonly number[];

  constructor(text: string, starts: readonly number[], ends: readonly number[], origin: number) {
    this.text = text;
    this.origin = origin;
    this.#starts = starts;
    this.#ends = ends;
  }

  /** The piece `[start, end)` of a given text, as it stands there. */
  static of(text: string, [start, end]: Span): AlignedText {
    const starts: number[] = [];
    const ends: number[] = [];
    for (const character of text.slice(start, end)) {
      const at = start + starts.length;
      for (const _ of character.split('')) {
        starts.push(at);
        ends.push(at + character.length);
      }
    }
    return new AlignedText(text.slice(start, end), starts, ends, start);
  }

  /** Where the piece `[start, end)` comes from in the given text; `start < end`. */
  source([start, end]: Span): [number, number] {
    return [this.#starts[start] ?? 0, this.#ends[end - 1] ?? 0];
  }

  slice(start: number, end: number): AlignedText {
    if (start === 0 && end === this.text.length) return this;
    return new AlignedText(
      this.text.slice(start, end),
      this.#starts.slice(start, end),
      this.#ends.slice(start, end),
      start === 0 ? this.origin : (this.#starts[start] ?? this.origin),
    );
  }

  /** What `write` puts down, each piece with the span of this text that it stands for. */
  rewrite(write: (put: (text: string, span: Span) => void) => void): AlignedText {
    let text = '';
    const starts: number[] = [];
    const ends: number[] = [];
    write((piece, span) => {
      const [start, end] = this.source(span);
      text += piece;
      while (starts.length < text.length) {
        starts.push(start);
        ends.push(end);
      }
    });
    return new AlignedText(text, starts, ends, this.origin);
  }

  /** Each character (code point) replaced by what `map` makes of it. */
  mapCharacters(map: (character: string) => string): AlignedText {
    return this.rewrite((put) => {
      let at = 0;
      for (const character of this.text) {
        put(map(character), [at, (at += character.length)]);
      }
    });
  }

  /** Something put in front, which stands for the first character. */
  prepend(prefix: string): AlignedText {
    if (this.text === '') return this;
    const [first = ''] = this.text;
    return this.rewrite((put) => {
      put(prefix, [0, first.length]);
      for (let i = 0; i < this.text.length; i++) put(this.text[i] ?? '', [i, i + 1]);
    });
  }

  /** Each match replaced; the replacement stands for the last character of the match. */
  replaceAll(matches: readonly Span[], replacement: string): AlignedText {
    if (matches.length === 0) return this;
    return this.rewrite((put) => {
      let at = 0;
      const keep = (end: number): void => {
        for (; at < end; at++) put(this.text[at] ?? '', [at, at + 1]);
      };
      for (const [start, end] of matches) {
        keep(start);
        at = end;
        put(replacement, [Math.max(at - 1, 0), at]);
      }
      keep(this.text.length);
    });
  }
}
