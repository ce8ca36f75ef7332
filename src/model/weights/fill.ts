// Reads the weights that were declared, in one pass over the files, and puts them on the GPU.

import { blocksOf } from '../../runtime/dtype.ts';
import type { Scope } from '../../runtime/scope.ts';
import { readTensors, type TensorEntry, type TensorPiece } from '../../source/safetensors.ts';
import type { ReadOptions, Source } from '../../source/source.ts';
import type { WeightSlice } from './parameters.ts';
import { sliceWriter } from './slice-writer.ts';

/** Takes the pieces of a stored tensor in their order. */
type Writer = (piece: TensorPiece) => Promise<void> | void;

/** Fills what is wanted of the tensors of a checkpoint. Without a scope they are only read. */
export async function fillWeights(
  source: Source,
  wanted: ReadonlyMap<TensorEntry, readonly WeightSlice[]>,
  { scope, ...options }: ReadOptions & { readonly scope: Scope | undefined },
): Promise<void> {
  const slices = [...wanted.values()].flat();
  const blockWriter = slices.some(({ tensor }) => blocksOf(tensor.dtype))
    ? (await import('./block-writer.ts')).blockWriter
    : undefined;
  const writerOf = (entry: TensorEntry, slice: WeightSlice): Writer =>
    scope && blockWriter && blocksOf(slice.tensor.dtype)
      ? blockWriter(scope, entry, slice)
      : sliceWriter(scope?.gpu, entry, slice);
  const writers = new Map(
    Array.from(wanted, ([entry, own]) => [entry, own.map((slice) => writerOf(entry, slice))]),
  );
  for await (const piece of readTensors(source, writers.keys(), options)) {
    for (const put of writers.get(piece.entry) ?? []) {
      const written = put(piece);
      if (written) await written;
    }
  }
}
