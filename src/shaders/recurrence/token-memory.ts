// What layers keep of tokens in place of keys and values.

import { TransformerError } from '../../runtime/errors.ts';
import type { Snippet } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late } from '../snippets.ts';

/** What new tokens of sequences go on from, and where they leave theirs. */
export interface TokenMemory {
  /**
   * (R, numbers): from `start` on, 0 when absent, rows of what is kept of a token, of as many tokens as an operation
   * wants. That of the token at place p of sequence r is row (p mod places) · R + r, until another takes its place.
   */
  readonly cache: Tensor;
  readonly start?: number;
  /** (R, capacity) u32: see `BlockTable`; which sequence a slot is of says where beams come from. */
  readonly table: Tensor;
  /** (R, T, 2) u32: position and place; a place of `capacity` where a sequence is over. */
  readonly place: Tensor;
}

/** Reads the tensors bound as `place` and `table`. */
export const tokenMemory: Snippet = {
  file: 'token-memory.wgsl',
  text: late(() => import('./token-memory.wgsl?raw')),
};

/** The scalars that it reads. */
export const memoryParams = {
  batches: 'u32',
  tokens: 'u32',
  capacity: 'u32',
  places: 'u32',
  start: 'u32',
} as const;

/**
 * Their values for (B, T, …) tokens, `places` of which are kept in `width` numbers each.
 * @throws TransformerError TENSOR_MISMATCH where the cache has no room for them
 */
export function memorySizes(
  [batches = 0, tokens = 0]: readonly number[],
  memory: TokenMemory | undefined,
  { places, width }: { readonly places: number; readonly width: number },
): Record<keyof typeof memoryParams, number> {
  const { cache, table, start = 0 } = memory ?? {};
  const wanted = start + places * batches * width;
  if (cache !== undefined && elements(cache.shape) < wanted) {
    throw new TransformerError(
      'TENSOR_MISMATCH',
      `${cache.describe()} should have ${wanted} elements: ${places} · ${width} for each of ${batches} sequences.`,
    );
  }
  return { batches, tokens, capacity: table?.size(1) ?? 0, places, start };
}
