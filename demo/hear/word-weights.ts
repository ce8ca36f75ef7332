// Where a decoder listens as it writes a word.

import type { DenseTensor } from 'webgpu-transformer';

export type Head = readonly [layer: number, head: number];

/** The heads of the upper half of the layers, where nothing says which of them follow the sound. */
export function upperHeads(attentions: readonly DenseTensor[]): Head[] {
  return attentions.flatMap(({ shape: [, heads = 0] }, layer) =>
    layer < Math.floor(attentions.length / 2)
      ? []
      : Array.from({ length: heads }, (_, head): Head => [layer, head]),
  );
}

export interface Listened {
  /** Of each layer, (1, h, T, S). */
  readonly attentions: readonly DenseTensor[];
  readonly heads: readonly Head[];
  /** Of each word, the rows that write it: those of the tokens before its own. */
  readonly rows: readonly (readonly number[])[];
  /** Steps of the sound, without what it is padded with. */
  readonly steps: number;
}

/** Weights of each word over the steps of the sound: the mean of the heads, and of the rows that write it. */
export function wordWeights({ attentions, heads, rows, steps }: Listened): Float32Array[] {
  return rows.map((own) => {
    const mean = new Float32Array(steps);
    for (const [layer, head] of heads) {
      const { data, shape } = attentions[layer] ?? { data: new Float32Array(), shape: [] };
      const [, , tokens = 0, columns = 0] = shape;
      for (const row of own) {
        const begin = (head * tokens + row) * columns;
        // Tokens beyond the model's positions have no row.
        const weights = data.subarray(begin, row < tokens ? begin + steps : begin);
        for (const [step, weight] of weights.entries()) {
          mean[step] = (mean[step] ?? 0) + weight / (heads.length * own.length);
        }
      }
    }
    return mean;
  });
}
