// Ministral 3 (Mistral AI, 2025, arXiv 2601.08584, §2): Mistral with positions stretched by YaRN, and queries that count more
// the further they are.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { llamaHeads, llamaLayer, llamaModel, llamaSizes, rmsNorms } from './llama-parts.ts';
import { RotaryTables } from '../rotary-tables.ts';

/** Declares the weights of a `Ministral3…` checkpoint. */
export function ministral3(config: Config, loader: WeightLoader): SequenceDefinition {
  const sizes = llamaSizes(config, 1e-5);
  const { rope, sharpness } = positionsOf(config);
  const rotary = new RotaryTables(rope, loader, sizes.headSize);
  const window =
    config.get('sliding_window') === undefined ? undefined : config.integer('sliding_window');
  const layer = llamaLayer(config, loader, sizes, (prefix) => ({
    ...llamaHeads(loader, prefix, sizes),
    rotary: rotary.table(),
    sharpness,
    window,
  }));
  return llamaModel(config, loader, { norm: rmsNorms(loader, sizes), rotary }, layer);
}

/** What its class takes where config.json says nothing. */
const usual = {
  rope_type: 'yarn',
  rope_theta: 1e6,
  factor: 16,
  original_max_position_embeddings: 16384,
  beta_fast: 32,
  beta_slow: 1,
  mscale: 1,
  mscale_all_dim: 1,
  llama_4_scaling_beta: 0.1,
};

/** The settings of positions, which hold the factor of queries, too. */
function positionsOf(config: Config) {
  const name = config.get('rope_scaling') === undefined ? 'rope_parameters' : 'rope_scaling';
  const settings = config.section(name, '', usual);
  const sharpness = {
    beta: settings.number('llama_4_scaling_beta'),
    period: settings.integer('original_max_position_embeddings'),
  };
  const { llama_4_scaling_beta: _, max_position_embeddings: __, ...rope } = settings.fields;
  return { rope: config.with({ [name]: rope }), sharpness };
}
