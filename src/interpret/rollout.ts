// How attention mixes tokens through all layers.

import { TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import { isListOf } from '../runtime/lists.ts';
import type { DenseTensor } from '../model/inputs/inputs.ts';
import { isTensor } from './checks.ts';

/**
 * Attention rollout: how much of each token's input there is in each output, residual connections counted as half.
 * "Quantifying Attention Flow in Transformers" (Abnar & Zuidema 2020, arXiv 2005.00928, §3).
 * `attentions`: the weights of each layer, (B, heads, T, T) each, as `forward` brings them. Result: (B, T, T), rows add up to 1.
 * @throws TransformerError INPUT_INVALID
 * @example
 * const { attentions } = await model.forward(inputs, { attentions: true });
 * const { data, shape } = attentionRollout(attentions); // (1, 12, 12)
 */
export function attentionRollout(attentions: readonly DenseTensor[] | undefined): DenseTensor {
  const layers = checkLayers(attentions);
  const [first] = layers;
  const [batch = 0, , tokens = 0] = first.shape;
  const size = tokens * tokens;
  const all = new Float32Array(batch * size);
  for (let row = 0; row < batch; row++) {
    let rolled = Float64Array.from({ length: size }, (_, i) =>
      Math.floor(i / tokens) === i % tokens ? 1 : 0,
    );
    for (const layer of layers) rolled = product(mixOf(layer, row), rolled, tokens);
    all.set(rolled, row * size);
  }
  return { data: all, shape: [batch, tokens, tokens] };
}

/** Half the mean of a layer's heads, and half the token itself; each row adds up to 1. */
function mixOf({ data, shape }: DenseTensor, row: number): Float64Array {
  const [, heads = 1, tokens = 0] = shape;
  const size = tokens * tokens;
  const mix = Float64Array.from({ length: size }, (_, i) => {
    let sum = 0;
    for (let head = 0; head < heads; head++) sum += data[(row * heads + head) * size + i] ?? 0;
    return sum / heads / 2 + (Math.floor(i / tokens) === i % tokens ? 0.5 : 0);
  });
  for (let query = 0; query < tokens; query++) {
    const own = mix.subarray(query * tokens, (query + 1) * tokens);
    const sum = own.reduce((total, weight) => total + weight, 0);
    own.forEach((weight, key) => (own[key] = weight / sum));
  }
  return mix;
}

function product(a: Float64Array, b: Float64Array, size: number): Float64Array<ArrayBuffer> {
  const c = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < size; k++) {
      const factor = a[i * size + k] ?? 0;
      for (let j = 0; j < size; j++) {
        c[i * size + j] = (c[i * size + j] ?? 0) + factor * (b[k * size + j] ?? 0);
      }
    }
  }
  return c;
}

/** Errors: INPUT_INVALID. */
function checkLayers(attentions: unknown): readonly [DenseTensor, ...DenseTensor[]] {
  const isLayer = (layer: unknown): boolean =>
    isTensor(layer) && layer.shape.length === 4 && layer.shape[2] === layer.shape[3];
  if (isListOf(attentions, isLayer) && attentions.length > 0) {
    const layers = attentions as unknown as readonly [DenseTensor, ...DenseTensor[]];
    const [first] = layers;
    if (layers.every(({ shape }) => shape.join() === first.shape.join())) return layers;
  }
  throw new TransformerError(
    'INPUT_INVALID',
    `attentions is ${show(attentions)}; wanted the attention weights of all layers, (B, heads, T, T) each, as forward ` +
      'brings them with attentions: true.',
  );
}
