// Where a class token looks: in a head, in a layer, and through all layers at once.

import type { DenseTensor } from 'webgpu-transformer';

/** Weights of the patches, in rows; what the class token leaves for other tokens than patches is left out. */
export type PatchWeights = Float32Array;

/** The class token's row of a head: `attention` is (1, heads, T, T), the patches its last tokens. */
export function headWeights(attention: DenseTensor, head: number, patches: number): PatchWeights {
  const [, , , tokens = 0] = attention.shape;
  const start = head * tokens * tokens;
  return attention.data.slice(start + tokens - patches, start + tokens);
}

/** The mean over the heads of a layer. */
export function layerWeights(attention: DenseTensor, patches: number): PatchWeights {
  const [, heads = 1] = attention.shape;
  const sum = new Float32Array(patches);
  for (let head = 0; head < heads; head++) {
    for (const [i, weight] of headWeights(attention, head, patches).entries()) {
      sum[i] = (sum[i] ?? 0) + weight / heads;
    }
  }
  return sum;
}

/**
 * Attention rollout (Abnar and Zuidema, "Quantifying Attention Flow in Transformers", 2020, arXiv 2005.00928, §3): the
 * mean over heads, half of it the residual path, multiplied through the layers. The class token's row of the product
 * is found from the last layer down, one row times a matrix each.
 */
export function rolloutWeights(attentions: readonly DenseTensor[], patches: number): PatchWeights {
  const [, , , tokens = 0] = attentions[0]?.shape ?? [];
  let row = new Float64Array(tokens);
  row[0] = 1;
  for (const attention of attentions.toReversed()) {
    const [, heads = 1] = attention.shape;
    const next = row.map((weight) => weight / 2);
    for (let head = 0; head < heads; head++) {
      for (let from = 0; from < tokens; from++) {
        const start = (head * tokens + from) * tokens;
        const part = (row[from] ?? 0) / (2 * heads);
        for (let to = 0; to < tokens; to++) {
          next[to] = (next[to] ?? 0) + part * (attention.data[start + to] ?? 0);
        }
      }
    }
    row = next;
  }
  return Float32Array.from(row.subarray(tokens - patches));
}
