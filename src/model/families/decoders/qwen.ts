// Qwen2 (Yang et al., 2024, arXiv 2407.10671): Llama with biases of queries, keys and values. Qwen3 (Yang
// et al., 2025, arXiv 2505.09388) has norms of queries and keys in place of the biases.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import type { SelfAttentionWeights } from '../../layers/attention.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import {
  attentionBias,
  headNorms,
  layerTypes,
  llamaHeads,
  llamaLayer,
  llamaModel,
  llamaSizes,
  rmsNorms,
} from './llama-parts.ts';
import { RotaryTables } from '../rotary-tables.ts';

/** Declares the weights of a `Qwen2…` checkpoint. */
export function qwen2(config: Config, loader: WeightLoader): SequenceDefinition {
  const sizes = llamaSizes(config);
  const rotary = new RotaryTables(config, loader, sizes.headSize);
  const window = windowOf(config);
  const layer = llamaLayer(config, loader, sizes, (prefix, index) => ({
    ...llamaHeads(loader, prefix, sizes, { input: true, output: false }),
    rotary: rotary.table(),
    window: window(index),
  }));
  return llamaModel(config, loader, { norm: rmsNorms(loader, sizes), rotary }, layer);
}

/** Declares the weights of a `Qwen3…` checkpoint. */
export function qwen3(config: Config, loader: WeightLoader): SequenceDefinition {
  const sizes = llamaSizes(config);
  const rotary = new RotaryTables(config, loader, sizes.headSize);
  const window = windowOf(config);
  const layer = llamaLayer(config, loader, sizes, (prefix, index) => ({
    ...llamaHeads(loader, prefix, sizes, attentionBias(config)),
    headNorm: headNorms(loader, prefix, sizes),
    rotary: rotary.table(),
    window: window(index),
  }));
  return llamaModel(config, loader, { norm: rmsNorms(loader, sizes), rotary }, layer);
}

/** Layers from `max_window_layers` on have the sliding window, unless `layer_types` names them. */
function windowOf(config: Config): (layer: number) => SelfAttentionWeights['window'] {
  const isUsed = config.boolean('use_sliding_window', false);
  const types = layerTypes(config, isUsed ? undefined : ['full_attention']);
  if (!isUsed) return () => undefined;
  const window = config.integer('sliding_window');
  if (types) return (layer) => (types[layer] === 'sliding_attention' ? window : undefined);
  const full = config.integer('max_window_layers', 28, 0);
  return (layer) => (layer >= full ? window : undefined);
}
