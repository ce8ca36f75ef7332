// Phi-3 and Phi-4-mini (Abdin et al., 2024, arXiv 2404.14219; 2025, arXiv 2503.01743): Llama with fused projections,
// positions that may rotate a part of each head, and LongRoPE (Ding et al., 2024, arXiv 2402.13753).

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { type Heads, llamaModel, type LlamaSizes, llamaSizes, rmsNorms } from './llama-parts.ts';
import { RotaryTables } from '../rotary-tables.ts';

/** Declares the weights of a `Phi3…` checkpoint. */
export function phi3(config: Config, loader: WeightLoader): SequenceDefinition {
  const sizes = llamaSizes(config, 1e-5);
  const { size, width } = sizes;
  const rotary = new RotaryTables(phiRotary(config), loader, sizes.headSize);
  const norm = rmsNorms(loader, sizes);
  const window =
    config.get('sliding_window') === undefined ? undefined : config.integer('sliding_window');
  const activation = config.activation('hidden_act', 'silu');
  const model = llamaModel(config, loader, { norm, rotary }, (prefix) => ({
    selfAttention: {
      ...fusedHeads(loader, `${prefix}.self_attn`, sizes),
      rotary: rotary.table(),
      window,
    },
    selfAttentionNorm: norm(`${prefix}.input_layernorm`),
    feedForward: {
      kind: 'gated',
      inner: loader.linear(`${prefix}.mlp.gate_up_proj`, 2 * width, size, { bias: false }),
      outer: loader.linear(`${prefix}.mlp.down_proj`, size, width, { bias: false }),
      activation,
    },
    feedForwardNorm: norm(`${prefix}.post_attention_layernorm`),
  }));
  return { ...model, rotary: rotary.stretched.map((each) => ({ ...each, feedsAgain: true })) };
}

/** Heads by one projection: queries, then keys, then values. */
function fusedHeads(
  loader: WeightLoader,
  prefix: string,
  { size, heads, keyValueHeads, headSize }: LlamaSizes,
): Heads {
  const all = (heads + 2 * keyValueHeads) * headSize;
  return {
    heads,
    keyValueHeads,
    headSize,
    queryKeyValue: loader.linear(`${prefix}.qkv_proj`, all, size, { bias: false }),
    output: loader.linear(`${prefix}.o_proj`, size, heads * headSize, { bias: false }),
  };
}

/**
 * What its class reads otherwise than others: `original_max_position_embeddings` stands beside the settings and is 4096
 * where it is absent, and older files call LongRoPE "su" or "yarn".
 */
function phiRotary(config: Config): Config {
  const original = config.integer('original_max_position_embeddings', 4096);
  const name = ['rope_scaling', 'rope_parameters'].find((each) =>
    Object.keys(config.get(each) ?? {}).some(Boolean),
  );
  if (name === undefined) return config;
  const given = config.section(name).fields;
  const { rope_type: type = given['type'] ?? 'default', ...settings } = given;
  if (!['default', 'longrope', 'su', 'yarn'].some((known) => known === type)) {
    config.section(name).refuse('rope_type', 'default or longrope');
  }
  return config.with({
    original_max_position_embeddings: original,
    [name]: { ...settings, rope_type: type === 'default' ? type : 'longrope' },
  });
}
