// Mistral (Jiang et al., 2023, arXiv 2310.06825): Llama with a sliding window, §2.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import {
  layerTypes,
  llamaHeads,
  llamaLayer,
  llamaModel,
  llamaSizes,
  rmsNorms,
} from './llama-parts.ts';
import { RotaryTables } from '../rotary-tables.ts';

/** Declares the weights of a `Mistral…` checkpoint. */
export function mistral(config: Config, loader: WeightLoader): SequenceDefinition {
  const window =
    config.get('sliding_window') === undefined ? undefined : config.integer('sliding_window');
  layerTypes(config, [window === undefined ? 'full_attention' : 'sliding_attention']);
  const sizes = llamaSizes(config);
  const rotary = new RotaryTables(config, loader, sizes.headSize);
  const layer = llamaLayer(config, loader, sizes, (prefix) => ({
    ...llamaHeads(loader, prefix, sizes),
    rotary: rotary.table(),
    window,
  }));
  return llamaModel(config, loader, { norm: rmsNorms(loader, sizes), rotary }, layer);
}
