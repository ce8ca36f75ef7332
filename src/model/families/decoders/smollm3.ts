// SmolLM3 (Bakouch et al., 2025, "SmolLM3: smol, multilingual, long-context reasoner"): Llama with layers that know
// no positions, every fourth as a rule ("RoPE to NoRoPE and back again", Yang et al., 2025, arXiv 2501.18795, §3).

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import {
  attentionBias,
  layerTypes,
  llamaHeads,
  llamaLayer,
  llamaModel,
  llamaSizes,
  rmsNorms,
} from './llama-parts.ts';
import { RotaryTables } from '../rotary-tables.ts';

/** Declares the weights of a `SmolLM3…` checkpoint. */
export function smollm3(config: Config, loader: WeightLoader): SequenceDefinition {
  const sizes = llamaSizes(config);
  const rotary = new RotaryTables(config, loader, sizes.headSize);
  const rotates = rotatingLayers(config);
  const window = windowOf(config, rotates);
  const layer = llamaLayer(config, loader, sizes, (prefix, index) => ({
    ...llamaHeads(loader, prefix, sizes, attentionBias(config)),
    rotary: rotates(index) ? rotary.table({ theta: 2e6 }) : undefined,
    window: window(index),
  }));
  const frame = { norm: rmsNorms(loader, sizes), rotary, tied: true };
  return llamaModel(config, loader, frame, layer);
}

/** `no_rope_layers` has 1 for layers that rotate, and 0 for others; where it is absent, all but every n-th do. */
function rotatingLayers(config: Config): (layer: number) => boolean {
  const list = config.get('no_rope_layers');
  if (list === undefined) {
    const interval = config.integer('no_rope_layer_interval', 4);
    return (layer) => (layer + 1) % interval !== 0;
  }
  const flags = config.numbers('no_rope_layers', []);
  if (flags.length < config.layers('num_hidden_layers')) {
    config.invalid('no_rope_layers', 'a 0 or 1 for each of the layers');
  }
  return (layer) => flags[layer] !== 0;
}

/** Layers that `layer_types` names have the window; where it is absent and windows are used, those without positions. */
function windowOf(
  config: Config,
  rotates: (layer: number) => boolean,
): (layer: number) => number | undefined {
  const types = layerTypes(config);
  const isUsed = config.boolean('use_sliding_window', false);
  const isGiven = config.get('sliding_window') !== undefined;
  if (types ? !types.includes('sliding_attention') : !isUsed || !isGiven) return () => undefined;
  const window = config.integer('sliding_window');
  const slides = (layer: number): boolean =>
    types ? types[layer] === 'sliding_attention' : !rotates(layer);
  return (layer) => (slides(layer) ? window : undefined);
}
