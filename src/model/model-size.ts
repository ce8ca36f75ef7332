// What a load will take, without the load.

import { bytesOf, type Dtype, pitchOf } from '../runtime/dtype.ts';
import { refuseUnknown } from '../runtime/errors.ts';
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
import { heldAs } from './weights/packed-entry.ts';
import { weightsOf } from './weights/quantization-fields.ts';

/** Types of tensors that need no explanation. */
const plain: ReadonlySet<StoredDtype> = new Set(['F64', 'F32', 'F16', 'BF16']);

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

export interface ModelSizeOptions extends SourceOptions {
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
      gpuBytes: {
        stored: sizeIn(undefined, weights),
        f32: sizeIn('f32', weights),
        f16: sizeIn('f16', weights),
        int8: sizeIn('int8', weights),
        int4: sizeIn('int4', weights),
      },
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
  const config = new Config(await readConfig(files, signal), describeFile(files, 'config.json'));
  return [...(await weightsOf(entries, config)).values()];
}

/** Bytes of tensors whose matrices are asked for in a format. */
function sizeIn(format: WeightFormatName | undefined, entries: readonly TensorEntry[]): number {
  const formats = new AskedFormats(format);
  return entries.reduce((sum, entry) => {
    const { name, shape } = entry;
    const columns = shape.at(-1) ?? 1;
    const matrix = (): Dtype => formats.formatOf([name], columns) ?? heldAs(entry);
    const dtype = shape.length > 1 ? matrix() : 'f32';
    return sum + bytesOf(dtype, (elements(shape) / columns) * pitchOf(dtype, columns));
  }, 0);
}
