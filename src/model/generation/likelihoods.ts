// How likely the model itself held the tokens of a step, whatever they were chosen by.

import type { Tensor } from '../../runtime/tensor.ts';
import { likelyTokens, type RecentLikelihoods } from '../../shaders/choice/likely-tokens.ts';
import { takeColumns } from '../../shaders/elementwise/take-columns.ts';
import { stepsAtOnce } from './pace.ts';
import type { DecodeState } from './session.ts';

/** A token and the natural logarithm of its probability, without what options made of it. */
export interface LikelyToken {
  /** Its id. */
  readonly tokenId: number;
  /** From -Infinity to 0. */
  readonly logProb: number;
}

/** How likely a token that was chosen was, and which were the likeliest in its place. */
export interface Likelihood {
  /** The natural logarithm of its probability. */
  readonly logProb: number;
  /** The likeliest first. */
  readonly top: readonly LikelyToken[];
}

/** What a step records for it. */
export class Weigher {
  /** The model's logits, (R, 1, V), apart from those that the choice of tokens changes. */
  readonly #logits: Tensor;
  readonly #recent: RecentLikelihoods;
  readonly #top: number;

  private constructor(logits: Tensor, recent: RecentLikelihoods, top: number) {
    this.#logits = logits;
    this.#recent = recent;
    this.#top = top;
  }

  /** To be recorded before the choice. */
  static record(logits: Tensor, top: number): Weigher {
    const { recording } = logits;
    const own = takeColumns(logits, 0, logits.size(-1), "the model's logits");
    // A tensor has one element at least.
    const listed = Math.max(1, top);
    const recent = {
      ids: recording.persistent('likeliest tokens', [logits.size(0), stepsAtOnce, listed], 'u32'),
      values: recording.persistent('likelihoods', [logits.size(0), stepsAtOnce, 1 + listed]),
    };
    return new Weigher(own, recent, top);
  }

  /** Weighs the tokens of a step, before they join their sequences. Result: what is to be read back. */
  weigh({ tokens, place }: DecodeState): Tensor[] {
    likelyTokens(this.#logits, tokens, place, this.#recent);
    return [this.#recent.ids, this.#recent.values];
  }

  /** What was read back, of the steps at these places of (R, S). */
  read(buffers: readonly ArrayBuffer[], places: readonly number[]): Likelihood[] {
    const [ids = new Uint32Array(), values = new Float32Array()] = [
      buffers[0] && new Uint32Array(buffers[0]),
      buffers[1] && new Float32Array(buffers[1]),
    ];
    const listed = this.#recent.ids.size(-1);
    const vocabulary = this.#logits.size(-1);
    return places.map((place) => {
      const [logProb = NaN, ...logProbs] = values.subarray(
        place * (1 + listed),
        (place + 1) * (1 + listed),
      );
      const all = Array.from(ids.subarray(place * listed, place * listed + this.#top));
      const top = all.map((tokenId, rank) => ({ tokenId, logProb: logProbs[rank] ?? NaN }));
      return { logProb, top: top.filter(({ tokenId }) => tokenId < vocabulary) };
    });
  }
}
