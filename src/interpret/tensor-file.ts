// A small file of tensors, read as a whole.

import { nearestName, TransformerError } from '../runtime/errors.ts';
import { elements } from '../runtime/tensor.ts';
import { numbersIn } from '../model/weights/weight-formats.ts';
import { openSafetensorsFile, readTensors } from '../source/safetensors.ts';
import { describeFile, type Source } from '../source/source.ts';

/** The tensors of a file. */
export interface TensorFile {
  has(name: string): boolean;
  /**
   * The numbers of a tensor whose axes are these, undefined ones of any size.
   * @throws TransformerError TENSOR_MISSING, TENSOR_MISMATCH
   */
  take(name: string, shape: readonly (number | undefined)[]): Float32Array;
  /** @throws TransformerError TENSOR_MISSING */
  shapeOf(name: string): readonly number[];
}

/** Errors: FILE_NOT_FOUND, FILE_INVALID, ABORTED. */
export async function tensorsOf(
  source: Source,
  file: string,
  signal?: AbortSignal,
): Promise<TensorFile> {
  const label = describeFile(source, file);
  const entries = await openSafetensorsFile(source, file, { signal });
  const values = new Map<string, Float32Array>();
  for await (const { entry, offset, bytes } of readTensors(source, entries.values(), { signal })) {
    const part = numbersIn(entry, bytes);
    const first = (offset / (entry.end - entry.start || 1)) * elements(entry.shape);
    const whole = values.get(entry.name) ?? new Float32Array(elements(entry.shape));
    whole.set(part, first);
    values.set(entry.name, whole);
  }
  const shapeOf = (name: string): readonly number[] => {
    const entry = entries.get(name);
    if (entry !== undefined) return entry.shape;
    const near = nearestName(name, [...entries.keys()]);
    throw new TransformerError(
      'TENSOR_MISSING',
      `${label} has no tensor "${name}".${near === undefined ? '' : ` It has "${near}".`}`,
    );
  };
  return {
    has: (name) => entries.has(name),
    shapeOf,
    take(name, shape) {
      const own = shapeOf(name);
      const fits =
        own.length === shape.length &&
        shape.every((axis, i) => axis === undefined || axis === own[i]);
      if (fits) return values.get(name) ?? new Float32Array();
      const wanted = shape.map((axis) => axis ?? 'any').join(', ');
      throw new TransformerError(
        'TENSOR_MISMATCH',
        `"${name}" of ${label} has the shape (${own.join(', ')}); wanted (${wanted}).`,
      );
    },
  };
}
