// Llama (Touvron et al., 2023, arXiv 2302.13971 and 2307.09288): a pre-norm decoder with RMS norms,
// rotary positions, SwiGLU, and heads of keys and values shared by groups of queries.

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

/** Declares the weights of a `Llama…` checkpoint. */
export function llama(config: Config, loader: WeightLoader): SequenceDefinition {
  layerTypes(config, ['full_attention']);
  const sizes = llamaSizes(config);
  const rotary = new RotaryTables(config, loader, sizes.headSize);
  const layer = llamaLayer(config, loader, sizes, (prefix) => ({
    ...llamaHeads(loader, prefix, sizes, attentionBias(config)),
    rotary: rotary.table(),
  }));
  return llamaModel(config, loader, { norm: rmsNorms(loader, sizes), rotary }, layer);
}
