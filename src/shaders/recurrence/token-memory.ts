// What layers keep of tokens in place of keys and values.

import { TransformerError } from '../../runtime/errors.ts';
import type { Snippet } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { late } from '../snippets.ts';

/** What new tokens of sequences go on from, and where they leave theirs. */
export interface TokenMemory {
  /**
   * (R, numbers), or as many rows as there are where `states` says which are whose: from `start` on, 0 when absent, what
   * is kept of a token, of as many tokens as an operation wants. That of the token at place p is number p mod places,
   * until another takes its place.
   */
  readonly cache: Tensor;
  readonly start?: number;
  /** (R, capacity) u32: see `BlockTable`; which sequence a slot is of says where beams come from. */
  readonly table: Tensor;
  /**
   * (R) u32: the row of the cache of each sequence, `hiddenSlot` of those that nobody has. When absent, sequence r has
   * row r, and goes on from those that the table names.
   */
  readonly states?: Tensor | undefined;
  /** (R, T, 2) u32: position and place; a place of `capacity` where a sequence is over. */
  readonly place: Tensor;
}

/** Reads the tensors bound as `place` and `table`: see `memoryTable`. */
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
  kept: 'u32',
} as const;

/** The switch that it reads. */
export const memorySwitches = { OWNED: [false, true] } as const;

/**
 * Their values for (B, T, …) tokens, `places` of which are kept in `width` numbers each.
 * @throws TransformerError TENSOR_MISMATCH where the cache has no room for them
 */
export function memorySizes(
  [batches = 0, tokens = 0]: readonly number[],
  memory: TokenMemory | undefined,
  { places, width }: { readonly places: number; readonly width: number },
): Record<keyof typeof memoryParams, number> {
  const { cache, table, states, start = 0 } = memory ?? {};
  const own = places * width;
  const rows = states === undefined ? batches : 1;
  if (cache !== undefined && (cache.size(0) < rows || cache.size(1) < start + own)) {
    throw new TransformerError(
      'TENSOR_MISMATCH',
      `${cache.describe()} should be (${rows}, ${start + own}) or more: ${places} · ${width} for each sequence.`,
    );
  }
  return {
    batches,
    tokens,
    capacity: table?.size(1) ?? 0,
    places,
    start,
    kept: cache?.size(1) ?? own,
  };
}

/** What is bound as `table`, and how it is read. */
export function memoryTable(memory: TokenMemory | undefined): {
  readonly table: Tensor | undefined;
  readonly OWNED: boolean;
} {
  const { states, table } = memory ?? {};
  return { table: states ?? table, OWNED: states !== undefined };
}
