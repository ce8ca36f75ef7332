// What layers keep of tokens in place of keys and values.

import type { Snippet } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { late } from '../snippets.ts';

/** What new tokens of sequences go on from, and where they leave theirs. */
export interface TokenMemory {
  /**
   * (places · R, width): what is kept of the token at place p of sequence r lies at (p mod places) · R + r, until
   * another takes its place.
   */
  readonly cache: Tensor;
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
} as const;

/** Their values for (B, T, …) tokens. */
export function memorySizes(
  [batches = 0, tokens = 0]: readonly number[],
  memory: TokenMemory | undefined,
): Record<keyof typeof memoryParams, number> {
  return {
    batches,
    tokens,
    capacity: memory?.table.size(1) ?? 0,
    places: memory === undefined ? 1 : memory.cache.size(0) / batches,
  };
}
