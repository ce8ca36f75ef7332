// Attentions and hidden states of each step of a generation, as Hugging Face's `generate` gives them. A
// token sees the same whether it is fed alone or with all others, so they are cut out of one forward
// pass over what was generated; the steps themselves keep to the fused kernels.

import { positionsOf } from './decoding.ts';
import type { DenseTensor, TokenBatch } from '../inputs/inputs.ts';

/** For each step, what each layer has of it: the prompt is the first step, then each token fed. */
export function stepsOf(
  layers: readonly DenseTensor[],
  prompt: number,
  kind: 'states' | 'selfAttention' | 'crossAttention',
): DenseTensor[][] {
  const tokens = layers[0]?.shape.at(-2) ?? 0;
  return Array.from({ length: Math.max(0, tokens - prompt + 1) }, (_, step) => {
    const [first, end] = step === 0 ? [0, prompt] : [prompt + step - 1, prompt + step];
    return layers.map((layer) => {
      const columns = kind === 'selfAttention' ? end : (layer.shape.at(-1) ?? 0);
      return cut(layer, first, end, columns);
    });
  });
}

/** Rows from `first` up to `end` of the last but one axis, and the first columns of them. */
function cut(
  { data, shape }: DenseTensor,
  first: number,
  end: number,
  columns: number,
): DenseTensor {
  const [rows = 1, width = 1] = shape.slice(-2);
  const lead = shape.slice(0, -2);
  const blocks = data.length / (rows * width);
  const result = new Float32Array(blocks * (end - first) * columns);
  let at = 0;
  for (let block = 0; block < blocks; block++) {
    for (let row = first; row < end; row++) {
      const start = (block * rows + row) * width;
      result.set(data.subarray(start, start + columns), at);
      at += columns;
    }
  }
  return { data: result, shape: [...lead, end - first, columns] };
}

type Rows = number[][];

/** The tokens that were fed for generated sequences: all but the last, which was only chosen. */
export function fedTokens(
  sequences: readonly (readonly number[])[],
  prompt: TokenBatch,
): { inputIds: Rows; attentionMask: Rows; positionIds: Rows } {
  const masks = repeatRows(prompt.rows, sequences.length / prompt.batch);
  const inputIds = sequences.map((row) => row.slice(0, -1));
  const attentionMask = inputIds.map((row, index) =>
    row.map((_, place) => masks[index]?.[place] ?? 1),
  );
  return { inputIds, attentionMask, positionIds: attentionMask.map(positionsOf) };
}

/** Each row as often as its input has sequences. */
export function repeatRows(rows: readonly (readonly number[])[], copies: number): Rows {
  return rows.flatMap((row) => Array.from({ length: copies }, () => [...row]));
}
