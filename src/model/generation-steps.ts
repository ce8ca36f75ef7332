// Attentions and hidden states of each step of a generation, as Hugging Face's `generate` gives them. A
// token sees the same whether it is fed alone or with all others, so they are cut out of one forward
// pass over what was generated; the steps themselves keep to the fused kernels.

import type { DenseTensor } from './inputs.ts';

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
function cut({ data, shape }: DenseTensor, first: number, end: number, columns: number): DenseTensor {
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
