// What callers may ask to see of the way through a stack.

import type { Tensor } from '../../runtime/tensor.ts';

/** Collects what a stack computes on its way, for callers that ask for it. */
export interface Watch {
  /** The stack's input, then each layer's output: (B, T, d_model) */
  readonly hiddenStates?: Tensor[];
  /** Each layer's self-attention weights: (B, h, T, T) */
  readonly attentions?: Tensor[];
  /** Each layer's cross-attention weights: (B, h, T, S) */
  readonly crossAttentions?: Tensor[];
}

/** Lists for what was asked for. */
export function watchFor(wanted: { hiddenStates: boolean; attentions: boolean }): Watch {
  return {
    ...(wanted.hiddenStates && { hiddenStates: [] }),
    ...(wanted.attentions && { attentions: [], crossAttentions: [] }),
  };
}

/** Everything a watch has collected. */
export function watchedBy({ hiddenStates, attentions, crossAttentions }: Watch): Tensor[] {
  return [...(hiddenStates ?? []), ...(attentions ?? []), ...(crossAttentions ?? [])];
}

/** Turns a list into a receiver of weights. */
export function collector(list: Tensor[] | undefined): ((weights: Tensor) => void) | undefined {
  return list && ((weights) => void list.push(weights));
}
