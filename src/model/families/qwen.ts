// Qwen2 (Yang et al., 2024, arXiv 2407.10671): Llama with biases of queries, keys and values. Qwen3 (Yang
// et al., 2025, arXiv 2505.09388) has norms of queries and keys in place of the biases.

import type { Config } from '../config.ts';
import type { SequenceDefinition } from '../definitions.ts';
import { layerTypes, preNormLlama } from './llama.ts';
import type { WeightLoader } from '../weights/weights.ts';

/** Declares the weights of a `Qwen2…` checkpoint. */
export function qwen2(config: Config, loader: WeightLoader): SequenceDefinition {
  return preNormLlama(config, loader, { bias: [true, false] }, windowOf(config));
}

/** Declares the weights of a `Qwen3…` checkpoint. */
export function qwen3(config: Config, loader: WeightLoader): SequenceDefinition {
  const bias = config.boolean('attention_bias', false);
  const attention = { bias: [bias, bias], headNorm: { offset: 0 } } as const;
  return preNormLlama(config, loader, attention, windowOf(config));
}

/** Layers from `max_window_layers` on have the sliding window, unless `layer_types` names them. */
function windowOf(config: Config): (layer: number) => number | undefined {
  const isUsed = config.boolean('use_sliding_window', false);
  const types = layerTypes(config, isUsed ? undefined : ['full_attention']);
  if (!isUsed) return () => undefined;
  const window = config.integer('sliding_window');
  if (types) return (layer) => (types[layer] === 'sliding_attention' ? window : undefined);
  const full = config.integer('max_window_layers', 28, 0);
  return (layer) => (layer >= full ? window : undefined);
}
