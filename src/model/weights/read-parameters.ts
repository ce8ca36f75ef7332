// Parameters as a checkpoint names and shapes them, read from the GPU and written back to it.

import type { Gpu } from '../../runtime/gpu.ts';
import { readBack } from '../../runtime/read-back.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { TransformerError } from '../../runtime/errors.ts';
import { type Parameters, type WeightSlice, rangesIn, transposed } from './parameters.ts';
import type { StoredValues } from '../../source/safetensors-writer.ts';

type MutableValues = { shape: readonly number[]; data: Float32Array<ArrayBuffer> };

/**
 * Values laid out as the parameters are, by the names of the checkpoint's tensors: the parameters
 * themselves when `segments` is left out, else what an optimizer keeps for each of them.
 */
export async function readParameters(
  gpu: Gpu,
  parameters: Parameters,
  segments: readonly Tensor[] = parameters.segments,
): Promise<Map<string, StoredValues>> {
  const { segments: own, constants } = parameters;
  const blocks = (await readBack(gpu, segments)).map((bytes) => new Float32Array(bytes));
  const values = namedValues(parameters, blocks);
  if (segments !== own || constants.length === 0) return values;
  const read = await readBack(
    gpu,
    constants.map(({ tensor }) => tensor),
  );
  constants.forEach((slice, index) => {
    put(values, slice, new Float32Array(read[index] ?? new ArrayBuffer(0)));
  });
  return values;
}

/** The same of values that were read. `blocks`: one a segment. */
export function namedValues(
  { places, slices }: Parameters,
  blocks: readonly Float32Array[],
): Map<string, MutableValues> {
  const rangesOf = rangesIn(places);
  const values = new Map<string, MutableValues>();
  for (const slice of slices) {
    const [range, ...others] = rangesOf(slice).map(({ segment, first, size }) =>
      blocks[segment]?.subarray(first, first + size),
    );
    if (range === undefined) continue;
    put(values, slice, others.length === 0 ? range : joined([range, ...others]));
  }
  return values;
}

/** Puts a slice to where it is in its tensor. */
function put(values: Map<string, MutableValues>, slice: WeightSlice, data: Float32Array): void {
  const { name, shape, storedFirst } = slice;
  const entry = values.get(name) ?? { shape, data: new Float32Array(elements(shape)) };
  const stored = slice.transposed === true ? transposed(data, shape.slice(-2).toReversed()) : data;
  entry.data.set(stored, storedFirst);
  values.set(name, entry);
}

function joined(ranges: readonly (Float32Array | undefined)[]): Float32Array {
  const whole = new Float32Array(ranges.reduce((size, range) => size + (range?.length ?? 0), 0));
  let end = 0;
  for (const range of ranges) {
    if (range === undefined) continue;
    whole.set(range, end);
    end += range.length;
  }
  return whole;
}

/**
 * Writes values back to where `readParameters` found them.
 * @throws TransformerError TENSOR_MISSING, TENSOR_MISMATCH; nothing is written then
 */
export function writeParameters(
  gpu: Gpu,
  parameters: Parameters,
  values: ReadonlyMap<string, StoredValues>,
): void {
  writeSegments(gpu, parameters.segments, layOut(parameters, values));
}

/** Writes what `layOut` has put in order. */
export function writeSegments(
  gpu: Gpu,
  segments: readonly Tensor[],
  blocks: readonly Float32Array<ArrayBuffer>[],
): void {
  segments.forEach(({ buffer, offset }, index) => {
    const block = blocks[index];
    if (buffer !== undefined && block) gpu.device.queue.writeBuffer(buffer, offset, block);
  });
}

/**
 * Values in the order of the parameters' segments, one block a segment; padding is 0.
 * @throws TransformerError TENSOR_MISSING, TENSOR_MISMATCH
 */
export function layOut(
  { segments, places, slices }: Parameters,
  values: ReadonlyMap<string, StoredValues>,
): Float32Array<ArrayBuffer>[] {
  const blocks = segments.map((segment) => new Float32Array(elements(segment.shape)));
  const rangesOf = rangesIn(places);
  for (const slice of slices) {
    const { name, shape, storedFirst, size } = slice;
    const stored = values.get(name);
    if (stored === undefined) {
      throw new TransformerError('TENSOR_MISSING', `The training state has no "${name}".`);
    }
    if (stored.shape.join() !== shape.join()) {
      throw new TransformerError(
        'TENSOR_MISMATCH',
        `"${name}" has shape (${stored.shape.join(', ')}) in the training state, but ` +
          `(${shape.join(', ')}) in the model. Resume with the model that was trained.`,
      );
    }
    const part = stored.data.subarray(storedFirst, storedFirst + size);
    const data = slice.transposed === true ? transposed(part, shape) : part;
    for (const { segment, first, before, size: count } of rangesOf(slice)) {
      blocks[segment]?.set(data.subarray(before, before + count), first);
    }
  }
  return blocks;
}
