// Dense batches, row by row: their first axis.

import type { DenseTensor } from './inputs.ts';

/** Tensors that differ in their first axis alone, one below the other. */
export function below(tensors: readonly DenseTensor[]): DenseTensor {
  const data = new Float32Array(tensors.reduce((sum, one) => sum + one.data.length, 0));
  let [at, batch] = [0, 0];
  for (const one of tensors) {
    data.set(one.data, at);
    at += one.data.length;
    batch += one.shape[0] ?? 0;
  }
  return { data, shape: [batch, ...(tensors[0]?.shape.slice(1) ?? [])] };
}

/** Each row so often, its copies below each other. */
export function repeated(
  { data, shape: [batch = 0, ...rest] }: DenseTensor,
  copies: number,
): DenseTensor {
  const size = data.length / batch;
  const rows = Array.from({ length: batch * copies }, (_, row) => {
    const first = Math.floor(row / copies) * size;
    return { data: data.subarray(first, first + size), shape: [1, ...rest] };
  });
  return below(rows);
}
