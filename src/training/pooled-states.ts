// One vector a text, of what a stack makes of its tokens, in lists that train: as sentence-transformers pools them.

import type { Plan } from '../runtime/plan.ts';
import type { Tensor } from '../runtime/tensor.ts';
import { chosenTokens } from '../model/heads/chosen-tokens.ts';
import { meanOfTokens } from '../model/heads/mean-of-tokens.ts';
import type { ModelInputs } from '../model/model.ts';
import { recordVectors } from '../model/sentence-layers.ts';
import type { States } from '../model/trainable-model.ts';
import { tokenMeans } from '../shaders/image/token-means.ts';

/** Which tokens' states make the vector of a text: all of them, the first or the last. */
export type TextPooling = 'mean' | 'cls' | 'last';

export const textPoolings: readonly TextPooling[] = ['mean', 'cls', 'last'];

interface PooledStates {
  /** (B, d) */
  readonly vectors: Tensor;
  /** Writes what the pooling needs of a batch, before a play. */
  readonly write: (plan: Plan, inputs: ModelInputs) => void;
}

/** Appends the vectors of texts, the layers that a model has for them behind; what has no padding, images say, counts whole. */
export function pooledStates(from: States, asked: TextPooling | undefined): PooledStates {
  const { sentence } = from;
  const pooled = pooledTokens(from, asked ?? sentence?.pooling ?? 'mean');
  if (sentence === undefined) return pooled;
  const { vectors, write } = recordVectors(pooled.vectors, sentence);
  return {
    vectors,
    write(plan, inputs) {
      pooled.write(plan, inputs);
      write(plan);
    },
  };
}

function pooledTokens({ states, mask }: States, pooling: TextPooling): PooledStates {
  const [batch = 0, length = 0, size = 0] = states.shape;
  if (pooling === 'mean') {
    const vectors =
      mask === undefined
        ? tokenMeans(states, { first: 0, count: length })
        : meanOfTokens(states, mask, headsFor(size));
    return { vectors, write: () => {} };
  }
  const chosen = chosenTokens(states);
  return {
    vectors: chosen.states,
    write: (plan, { attentionMask, inputIds }) => {
      const own = (_: unknown, row: number): number => {
        const last = (inputIds?.[row]?.length ?? length) - 1;
        const seen = attentionMask?.[row]?.map((value) => value !== 0);
        if (pooling === 'cls') return seen?.indexOf(true) ?? 0;
        return seen?.lastIndexOf(true) ?? last;
      };
      chosen.write(plan, Array.from({ length: batch }, own));
    },
  };
}

/** Heads of at most 64 numbers that so many are taken apart into. */
function headsFor(size: number): number {
  let heads = Math.ceil(size / 64);
  while (size % heads !== 0) heads += 1;
  return heads;
}
