// What tests of low-rank adapters share: values for A and B, products in float64, weights as bits.

import type { Gpu, Model } from 'webgpu-transformer';
import type { Lora } from 'webgpu-transformer/training';
import { readParameters, writeParameters } from '../../src/model/weights/read-parameters.ts';
import type { StoredValues } from '../../src/source/safetensors-writer.ts';
import { readBack } from '../../src/runtime/read-back.ts';
import { Random } from './random.ts';

/** Gives A and B other values than those they begin with. Returns them by their names. */
export async function fill(gpu: Gpu, lora: Lora, seed: number): Promise<Map<string, StoredValues>> {
  const random = new Random(seed);
  const values = await readParameters(gpu, lora.parameters);
  for (const [name, { shape: sizes, data }] of values) {
    values.set(name, {
      shape: sizes,
      data: random.values(data.length, { scale: 0.2, outliers: 0 }),
    });
  }
  writeParameters(gpu, lora.parameters, values);
  return values;
}

/** A and B of a layer. */
export function matrices(
  values: ReadonlyMap<string, StoredValues>,
  layer: string,
): Record<'a' | 'b', Float64Array> {
  const of = (matrix: string): Float64Array =>
    Float64Array.from(values.get(`base_model.model.${layer}.lora_${matrix}.weight`)!.data);
  return { a: of('A'), b: of('B') };
}

/** The product of (rows, depth) and (depth, columns) in float64. */
export function product(x: ArrayLike<number>, y: ArrayLike<number>, depth: number): Float64Array {
  const [rows, columns] = [x.length / depth, y.length / depth];
  return Float64Array.from({ length: rows * columns }, (_, at) => {
    const [i, j] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let k = 0; k < depth; k++) sum += x[i * depth + k]! * y[k * columns + j]!;
    return sum;
  });
}

/** xᵀ of a matrix with so many columns. */
export function transposed(x: ArrayLike<number>, columns: number): Float64Array {
  const rows = x.length / columns;
  return Float64Array.from(
    { length: x.length },
    (_, at) => x[(at % rows) * columns + Math.floor(at / rows)]!,
  );
}

/** All weights of a model, as they lie in memory. */
export async function bitsOf(gpu: Gpu, model: Model): Promise<number[][]> {
  const bytes = await readBack(gpu, model.trainable().weights);
  return bytes.map((one) => [...new Uint32Array(one)]);
}
