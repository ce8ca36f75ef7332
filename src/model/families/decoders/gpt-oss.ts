// gpt-oss (OpenAI, 2025, arXiv 2508.10925, §2): experts with a bounded gate, a sink in each head of attention, and a
// window in every other layer.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { expertBalance } from './expert-balance.ts';
import { Experts } from '../../layers/experts.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import type { ExpertLinear } from '../../weights/expert-weights.ts';
import {
  type Layer,
  layerTypes,
  llamaHeads,
  llamaModel,
  type LlamaSizes,
  llamaSizes,
  rmsNorms,
} from './llama-parts.ts';
import { expertCount } from './qwen3-moe.ts';
import { RotaryTables } from '../rotary-tables.ts';

/** Declares the weights of a `GptOss…` checkpoint. */
export function gptOss(config: Config, loader: WeightLoader): SequenceDefinition {
  const sizes = { ...llamaSizes(config, 1e-5), headSize: config.integer('head_dim', 64) };
  const rotary = new RotaryTables(stretched(config), loader, sizes.headSize);
  const types = layerTypes(config);
  const slides = (layer: number): boolean =>
    types ? types[layer] === 'sliding_attention' : layer % 2 === 0;
  const window = config.integer('sliding_window', 128);
  const bias = config.boolean('attention_bias', true);
  const norm = rmsNorms(loader, sizes);
  const layer: Layer = (prefix, index) => ({
    selfAttention: {
      ...llamaHeads(loader, `${prefix}.self_attn`, sizes, { input: bias }),
      rotary: rotary.table({ theta: 150_000 }),
      sinks: loader.vector(`${prefix}.self_attn.sinks`, sizes.heads),
      window: slides(index) ? window : undefined,
    },
    selfAttentionNorm: norm(`${prefix}.input_layernorm`),
    feedForward: gptOssExperts(config, loader, `${prefix}.mlp`, sizes),
    feedForwardNorm: norm(`${prefix}.post_attention_layernorm`),
  });
  return {
    ...llamaModel(config, loader, { norm, rotary }, layer),
    balance: expertBalance(config),
  };
}

/** Its class stretches positions where config.json says nothing. */
function stretched(config: Config): Config {
  const isGiven = ['rope_scaling', 'rope_parameters'].some(
    (name) => config.get(name) !== undefined,
  );
  if (isGiven) return config;
  const usual = {
    rope_type: 'yarn',
    factor: 32,
    beta_fast: 32,
    beta_slow: 1,
    truncate: false,
    original_max_position_embeddings: 4096,
  };
  return config.with({ rope_parameters: usual });
}

function gptOssExperts(
  config: Config,
  loader: WeightLoader,
  prefix: string,
  { size, width }: LlamaSizes,
): Experts {
  const count = config.integer(expertCount(config), 128);
  // Stored (in, out) for each expert, unless in codes.
  const layer = (name: string, out: number, input: number): ExpertLinear => ({
    name: `${prefix}.experts.${name}`,
    experts: count,
    weight: loader.matrix(`${prefix}.experts.${name}`, count * out, input, {
      transposed: true,
      stored: () => [count, input, out],
    }),
    bias: loader.matrix(`${prefix}.experts.${name}_bias`, count, out, { dtype: 'f32' }),
  });
  return new Experts({
    router: loader.linear(`${prefix}.router`, count, size),
    routing: {
      chosen: config.integer('num_experts_per_tok', 4, 1, count),
      amongChosen: true,
    },
    inner: layer('gate_up_proj', 2 * width, size),
    outer: layer('down_proj', size, width),
    gate: {
      alpha: config.number('swiglu_alpha', 1.702),
      limit: config.positive('swiglu_limit', 7),
    },
  });
}
