// What a load will take, without the load.

import { bytesOf, pitchOf } from '../runtime/dtype.ts';
import { type ErrorCode, refuseUnknown, TransformerError } from '../runtime/errors.ts';
import { elements } from '../runtime/tensor.ts';
import {
  type ModelSource,
  openSource,
  type SourceOptions,
  sourceOptions,
} from '../source/open-source.ts';
import { openSafetensors, type StoredDtype, type TensorEntry } from '../source/safetensors.ts';
import { describeFile, type Source } from '../source/source.ts';
import { Config } from './config.ts';
import { readConfig } from './read-configs.ts';
import { AskedFormats, type WeightFormatName } from './weights/asked-formats.ts';
import { heldAs, packedOf } from './weights/packed-entry.ts';
import { weightsOf } from './weights/quantization-fields.ts';

/** Types of tensors that need no explanation. */
const plain: ReadonlySet<StoredDtype> = new Set(['F64', 'F32', 'F16', 'BF16']);

const unreadable: readonly ErrorCode[] = [
  'FILE_NOT_FOUND',
  'FILE_INVALID',
  'CONFIG_INVALID',
  'MODEL_UNSUPPORTED',
];

/** What a model takes. Bytes on the GPU are those of its weights; activations come on top. */
export interface ModelSize {
  /** Bytes of the files that hold the weights. */
  readonly downloadBytes: number;
  /**
   * Bytes of the weights on the GPU by the `dtype` of `loadModel`: matrices in it, vectors in f32. `stored`:
   * without one, matrices as the checkpoint has them, quantised ones too.
   */
  readonly gpuBytes: Readonly<Record<WeightFormatName | 'stored', number>>;
}

/** Where the files are. */
export interface ModelSizeOptions extends SourceOptions {
  /** Cancels the call, which then rejects with `ABORTED`. */
  signal?: AbortSignal;
}

/**
 * What a model takes, from the headers of its files alone. Tensors that its architecture does not
 * use are counted too.
 * @throws TransformerError FILE_*, TENSOR_MISSING, ABORTED
 */
export async function modelSize(
  source: ModelSource,
  options: ModelSizeOptions = {},
): Promise<ModelSize> {
  refuseUnknown(options, [...sourceOptions, 'signal'], 'option of modelSize');
  const files = openSource(source, options);
  try {
    const entries = await openSafetensors(files, options);
    const ends = new Map<string, number>();
    for (const { file, end } of entries.values())
      ends.set(file, Math.max(end, ends.get(file) ?? 0));
    const weights = await weightsIn(files, entries, options.signal);
    return {
      downloadBytes: [...ends.values()].reduce((sum, end) => sum + end, 0),
      gpuBytes: gpuBytesOf(weights),
    };
  } finally {
    files.release?.();
  }
}

/** The tensors; where some are no plain weights, as config.json says that these are quantised. */
async function weightsIn(
  files: Source,
  entries: ReadonlyMap<string, TensorEntry>,
  signal: AbortSignal | undefined,
): Promise<readonly TensorEntry[]> {
  const all = [...entries.values()];
  if (all.every(({ dtype }) => plain.has(dtype))) return all;
  try {
    const config = new Config(await readConfig(files, signal), describeFile(files, 'config.json'));
    return [...(await weightsOf(entries, config)).values()];
  } catch (error) {
    // What cannot be loaded has a size all the same.
    if (error instanceof TransformerError && unreadable.includes(error.code)) return all;
    throw error;
  }
}

/** Bytes of tensors on the GPU, by the format that their matrices are asked for in. */
export function gpuBytesOf(entries: readonly TensorEntry[]): ModelSize['gpuBytes'] {
  return {
    stored: sizeIn(undefined, entries),
    f32: sizeIn('f32', entries),
    f16: sizeIn('f16', entries),
    int8: sizeIn('int8', entries),
    int4: sizeIn('int4', entries),
  };
}

/** Bytes of tensors whose matrices are asked for in a format. */
function sizeIn(format: WeightFormatName | undefined, entries: readonly TensorEntry[]): number {
  const formats = new AskedFormats(format);
  return entries.reduce((sum, entry) => {
    const { name, shape, start, end } = entry;
    const columns = shape.at(-1) ?? 1;
    const asked = shape.length > 1 ? formats.formatOf([name], columns) : 'f32';
    const isWeight = plain.has(entry.dtype) || packedOf(entry) !== undefined;
    if (asked === undefined && !isWeight) return sum + end - start;
    const dtype = asked ?? heldAs(entry);
    return sum + bytesOf(dtype, (elements(shape) / columns) * pitchOf(dtype, columns));
  }, 0);
}
