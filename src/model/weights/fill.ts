// Reads the weights that were declared, in one pass over the files, and puts them on the GPU.

import { blocksOf } from '../../runtime/dtype.ts';
import type { Scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { readTensors, type TensorEntry, type TensorPiece } from '../../source/safetensors.ts';
import type { ReadOptions, Source } from '../../source/source.ts';
import { packedOf } from './packed-entry.ts';
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
  const writers = await writersOf(wanted, scope);
  for await (const piece of readTensors(source, writers.keys(), options)) {
    for (const put of writers.get(piece.entry) ?? []) {
      const written = put(piece);
      if (written) await written;
    }
  }
}

/** What takes each tensor of the files. */
async function writersOf(
  wanted: ReadonlyMap<TensorEntry, readonly WeightSlice[]>,
  scope: Scope | undefined,
): Promise<Map<TensorEntry, readonly Writer[]>> {
  const isPlain = (entry: TensorEntry): boolean => packedOf(entry) === undefined;
  const inBlocks = ({ tensor }: WeightSlice): boolean => blocksOf(tensor.dtype) !== undefined;
  const plain = [...wanted].filter(([entry]) => isPlain(entry));
  const [blockWriter, packedWriter] = await Promise.all([
    plain.some(([, slices]) => slices.some(inBlocks))
      ? import('./block-writer.ts').then((code) => code.blockWriter)
      : undefined,
    plain.length < wanted.size
      ? import('./packed-writer.ts').then((code) => code.packedWriter)
      : undefined,
  ]);
  const writers = new Map<TensorEntry, readonly Writer[]>();
  const orders = new Map<Tensor, Uint32Array>();
  for (const [entry, slices] of wanted) {
    const packed = packedOf(entry);
    if (packed === undefined) {
      const writerOf = (slice: WeightSlice): Writer =>
        scope && blockWriter && inBlocks(slice)
          ? blockWriter(scope, entry, slice)
          : sliceWriter(scope?.gpu, entry, slice);
      writers.set(entry, slices.map(writerOf));
    } else {
      const put = scope && packedWriter?.(scope, { ...entry, packed }, slices, orders);
      for (const part of [packed.code, ...packed.others.values()]) {
        writers.set(part, put === undefined ? [] : [put]);
      }
    }
  }
  return writers;
}
