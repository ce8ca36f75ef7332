// Qwen3.5's language models (Qwen3-Next, 2025; Yang et al., arXiv 2412.06464): three of four layers are gated delta nets, in
// the others gates let through what heads give, and a quarter of each head rotates.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import type { SelfAttentionWeights } from '../../layers/attention.ts';
import { GatedDeltaNet } from '../../layers/gated-delta-net.ts';
import { OutputGate } from '../../layers/output-gate.ts';
import { type Linear, type LinearPart, partsOf, sizesOf } from '../../weights/linear-weights.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { isObject } from '../../../source/json.ts';
import {
  headNorms,
  layerTypes,
  llamaMlp,
  llamaModel,
  type LlamaSizes,
  llamaSizes,
  rmsNorms,
} from './llama-parts.ts';
import { RotaryTables } from '../rotary-tables.ts';

/** Declares the weights of a `Qwen3_5…` checkpoint, of one that also sees the part that writes. */
export function qwen35(given: Config, loader: WeightLoader): SequenceDefinition {
  const config = given.with(
    Object.fromEntries(
      ['rope_parameters', 'rope_scaling'].map((name) => [name, ofTexts(given.get(name))]),
    ),
  );
  // It has no parts without them.
  config.only('attn_output_gate', true);
  const sizes = { ...llamaSizes(config), headSize: config.integer('head_dim', 256) };
  const rotary = new RotaryTables(config, loader, sizes.headSize);
  const norm = rmsNorms(loader, sizes, 1);
  const attends = attendingLayers(config);
  return llamaModel(config, loader, { norm, rotary }, (prefix, index) => ({
    selfAttention: attends(index)
      ? {
          ...gatedHeads(config, loader, `${prefix}.self_attn`, sizes),
          rotary: rotary.table({ partial: 0.25 }),
        }
      : deltaNet(config, loader, `${prefix}.linear_attn`, sizes),
    selfAttentionNorm: norm(`${prefix}.input_layernorm`),
    feedForward: llamaMlp(config, loader, `${prefix}.mlp`, sizes),
    feedForwardNorm: norm(`${prefix}.post_attention_layernorm`),
  }));
}

/** Settings of positions without those of images, whose three kinds of positions are alike for texts. */
function ofTexts(settings: unknown): unknown {
  if (!isObject(settings)) return settings;
  const { mrope_section: _section, mrope_interleaved: _order, ...others } = settings;
  return others;
}

/** By `layer_types`, or every so many-th. */
function attendingLayers(config: Config): (layer: number) => boolean {
  const types = layerTypes(config, ['full_attention', 'linear_attention']);
  if (types) return (layer) => types[layer] === 'full_attention';
  const interval = config.integer('full_attention_interval', 4);
  return (layer) => (layer + 1) % interval === 0;
}

/** The rows of queries and of gates come by turns, head by head. */
function gatedHeads(
  config: Config,
  loader: WeightLoader,
  prefix: string,
  sizes: LlamaSizes,
): SelfAttentionWeights {
  const { size, heads, keyValueHeads, headSize } = sizes;
  const bias = config.boolean('attention_bias', false);
  const rows = (name: string, count: number, step = 1, begin = 0) =>
    Array.from({ length: count / step }, (_, head) => ({
      name: `${prefix}.${name}`,
      first: (step * head + begin) * headSize,
      rows: count * headSize,
    }));
  const stacked = (list: ReturnType<typeof rows>, parts: readonly LinearPart[] = []): Linear => ({
    ...loader.linear(
      list.map(({ name }) => name),
      headSize,
      size,
      { bias, part: list },
    ),
    parts,
  });
  // Those of queries and gates stand apart from each other, which is no layer of the checkpoint.
  const first = heads * headSize;
  const keysAndValues = partsOf(
    ['k_proj', 'v_proj'].map((name) => `${prefix}.${name}`),
    sizesOf(keyValueHeads * headSize, 2),
  ).map((part) => ({ ...part, first: first + part.first }));
  return {
    heads,
    keyValueHeads,
    headSize,
    queryKeyValue: stacked(
      [
        ...rows('q_proj', 2 * heads, 2),
        ...rows('k_proj', keyValueHeads),
        ...rows('v_proj', keyValueHeads),
      ],
      keysAndValues,
    ),
    gate: new OutputGate(stacked(rows('q_proj', 2 * heads, 2, 1))),
    output: loader.linear(`${prefix}.o_proj`, size, heads * headSize, { bias }),
    headNorm: headNorms(loader, prefix, sizes, 1),
  };
}

function deltaNet(
  config: Config,
  loader: WeightLoader,
  prefix: string,
  { size, eps }: LlamaSizes,
): GatedDeltaNet {
  const heads = config.integer('linear_num_value_heads', 32);
  const keyHeads = config.integer('linear_num_key_heads', 16);
  if (heads % keyHeads !== 0) config.refuse('linear_num_key_heads');
  const keySize = config.integer('linear_key_head_dim', 128);
  const valueSize = config.integer('linear_value_head_dim', 128);
  const seen = config.integer('linear_conv_kernel_dim', 4, 1, 256);
  const [columns, values] = [2 * keyHeads * keySize + heads * valueSize, heads * valueSize];
  return new GatedDeltaNet({
    heads: { heads, keyHeads, keySize, valueSize },
    input: loader.linear(
      ['qkv', 'z', 'b', 'a'].map((name) => `${prefix}.in_proj_${name}`),
      [columns, values, heads, heads],
      size,
      { bias: false },
    ),
    convolution: {
      weight: loader.matrix(`${prefix}.conv1d.weight`, columns, seen, {
        dtype: 'f32',
        stored: () => [columns, 1, seen],
      }),
      activation: config.activation('hidden_act', 'silu'),
    },
    rates: loader.vector([`${prefix}.dt_bias`, `${prefix}.A_log`], heads),
    norm: { weight: loader.vector(`${prefix}.norm.weight`, valueSize), eps },
    output: loader.linear(`${prefix}.out_proj`, size, values, { bias: false }),
  });
}
