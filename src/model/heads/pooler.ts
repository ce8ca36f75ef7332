// One vector of each sequence, from the last states of a stack.

import type { Tensor } from '../../runtime/tensor.ts';
import { normalize, type NormWeights } from '../../shaders/rows/norm.ts';
import { applyLayers, type ChooseToken, firstToken, type HeadLayer } from './head.ts';

/** Plain data and methods, so that weights in it can be replaced by others. */
export interface Pooler {
  /** The token of each sequence that it reads; every token where it is absent. */
  readonly choose?: ChooseToken;
  /**
   * Appends what it computes, (B, d), of the states (B, T, d_model), or of those that it chose, (B, d_model).
   * mask: (B, T), 0 = padding.
   */
  record(states: Tensor, mask: Tensor): Tensor;
}

interface TokenPoolerParts {
  /** The first token when absent. */
  readonly choose?: ChooseToken;
  /** Of the token, before the layers. */
  readonly norm?: NormWeights;
  readonly layers?: readonly HeadLayer[];
}

/** One token, as it is or through layers. */
export class TokenPooler implements Pooler {
  readonly choose: ChooseToken;
  readonly norm: NormWeights | undefined;
  readonly layers: readonly HeadLayer[];

  constructor({ choose = firstToken, norm, layers = [] }: TokenPoolerParts = {}) {
    this.choose = choose;
    this.norm = norm;
    this.layers = layers;
  }

  record(states: Tensor): Tensor {
    const token = this.norm === undefined ? states : normalize(states, this.norm);
    return applyLayers(token, this.layers);
  }
}
