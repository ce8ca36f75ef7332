// Tensors of a checkpoint beside what its config.json calls for.

import { TransformerError } from '../../runtime/errors.ts';
import type { TensorEntry } from '../../source/safetensors.ts';
import type { WeightSlice } from './parameters.ts';

/** A part of a tensor that no file has. */
export type Zeros = Pick<TensorEntry, 'shape'>;

export function isEntry(part: TensorEntry | Zeros): part is TensorEntry {
  return 'name' in part;
}

/** What was found under `names`, the first of which it was asked for by. Errors: TENSOR_MISSING, TENSOR_MISMATCH. */
export function expectShape(
  entry: TensorEntry | undefined,
  shape: readonly number[],
  names: readonly string[],
): TensorEntry {
  const advice = 'Check that config.json and the weights belong together.';
  const wanted = `(${shape.join(', ')})`;
  if (entry === undefined) {
    throw new TransformerError(
      'TENSOR_MISSING',
      `The checkpoint has no tensor ${names.map((each) => `"${each}"`).join(' or ')} of shape ${wanted}, ` +
        `which its config.json calls for. ${advice}`,
    );
  }
  if (hasShape(entry, shape)) return entry;
  throw new TransformerError(
    'TENSOR_MISMATCH',
    `Tensor "${names[0]}" has shape (${entry.shape.join(', ')}), but config.json calls for ${wanted}. ${advice}`,
  );
}

/** Whether a tensor has this shape; a vector may be stored with sizes of 1 beside its own. */
export function hasShape(entry: TensorEntry, shape: readonly number[]): boolean {
  const withoutOnes = (sizes: readonly number[]): string => sizes.filter((n) => n !== 1).join();
  return shape.length === 1
    ? withoutOnes(entry.shape) === withoutOnes(shape)
    : entry.shape.join() === shape.join();
}

/** The slices of several matrices in one tensor, each of which is transposed by itself. */
export function eachOf(whole: WeightSlice): WeightSlice[] {
  const [count = 1] = whole.shape;
  const size = whole.size / count;
  return Array.from({ length: count }, (_, i) => ({
    ...whole,
    storedFirst: whole.storedFirst + i * size,
    first: whole.first + i * size,
    size,
  }));
}
