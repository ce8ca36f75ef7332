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
import { openSafetensors, type TensorEntry } from '../source/safetensors.ts';
import { AskedFormats, type WeightFormatName } from './weights/asked-formats.ts';
import { formatOf } from './weights/weight-formats.ts';

/** What a model takes. Bytes on the GPU are those of its weights; activations come on top. */
export interface ModelSize {
  /** Bytes of the files that hold the weights. */
  readonly downloadBytes: number;
  /** Bytes of the weights on the GPU by the `dtype` of `loadModel`: matrices in it, vectors in f32. */
  readonly gpuBytes: Readonly<Record<WeightFormatName, number>>;
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
    const entries = [...(await openSafetensors(files, options)).values()];
    const ends = new Map<string, number>();
    for (const { file, end } of entries) ends.set(file, Math.max(end, ends.get(file) ?? 0));
    return {
      downloadBytes: [...ends.values()].reduce((sum, end) => sum + end, 0),
      gpuBytes: {
        f32: sizeIn('f32', entries),
        f16: sizeIn('f16', entries),
        int8: sizeIn('int8', entries),
        int4: sizeIn('int4', entries),
      },
    };
  } finally {
    files.release?.();
  }
}

/** Bytes of tensors whose matrices are asked for in a format. */
function sizeIn(format: WeightFormatName, entries: readonly TensorEntry[]): number {
  const formats = new AskedFormats(format);
  return entries.reduce((sum, entry) => {
    const { name, shape } = entry;
    const columns = shape.at(-1) ?? 1;
    const matrix = (): Dtype => formats.formatOf([name], columns) ?? formatOf(entry).name;
    const dtype = shape.length > 1 ? matrix() : 'f32';
    return sum + bytesOf(dtype, (elements(shape) / columns) * pitchOf(dtype, columns));
  }, 0);
}
