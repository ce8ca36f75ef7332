// Texts as the tokens of a model, and logits as tokens that a page can name.

import type { Model, pipeline } from 'webgpu-transformer';
import { areFinite, largest, probabilities } from './likeliest.ts';
import { mostTokens, newTokens } from './limits.ts';
import type { LensCell, NextToken, Token } from './protocol.ts';
import { Refused } from './refused.ts';

type Tokenizer = Awaited<ReturnType<typeof pipeline<'text-generation'>>>['tokenizer'];

/** Tokens that the page can name, of those behind the text. */
const namedTokens = 50;
/** Tokens of a cell of the lens. */
const lensTokens = 5;

export class Reader {
  readonly #tokenizer: Tokenizer;
  /** Tokens of a text that are read. */
  readonly #room: number;

  constructor(tokenizer: Tokenizer, { maxPositions }: Pick<Model, 'maxPositions'>) {
    this.#tokenizer = tokenizer;
    this.#room = Math.min(mostTokens, maxPositions - newTokens);
  }

  /** The last tokens of a text, and how many stand before them. */
  read(text: string): { readonly ids: readonly number[]; readonly left: number } {
    const all = this.#tokenizer.encode(text);
    return { ids: all.slice(-this.#room), left: Math.max(0, all.length - this.#room) };
  }

  /** The text of tokens. */
  text(ids: readonly number[]): string {
    return this.#tokenizer.decode(ids);
  }

  tokens(ids: readonly number[]): Token[] {
    return ids.map((id) => this.token(id));
  }

  token(id: number): Token {
    const [stored = ''] = this.#tokenizer.tokens([id]);
    const text = this.#tokenizer.decode([id], { skipSpecialTokens: false });
    // A part of a character has no text of its own, and the first space of a text is taken off.
    if (text === '' || text.includes('\ufffd')) return { id, text: stored };
    return { id, text: stored.startsWith('▁') && !text.startsWith(' ') ? ` ${text}` : text };
  }

  /** What logits of one position favour. */
  cell(logits: Float32Array): LensCell {
    const ids = largest(logits, lensTokens);
    const likely = probabilities(logits, ids);
    return ids.map((id, i) => ({ ...this.token(id), probability: likely[i] ?? 0 }));
  }

  /** The token behind a text. @throws Refused where logits are no numbers */
  next(data: Float32Array = new Float32Array(1)): NextToken {
    if (!areFinite(data)) throw new Refused('notNumbers');
    const logits = new Float32Array(data);
    return { logits, likeliest: this.tokens(largest(logits, namedTokens)) };
  }
}
