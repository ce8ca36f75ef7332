// Qwen3's mixtures of experts (Yang et al., 2025, arXiv 2505.09388, §2): Qwen3 with experts in place of the feed-forward
// network, of which the router chooses a few for each token.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { expertBalance } from './expert-balance.ts';
import { Experts } from '../../layers/experts.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import type { ExpertLinear } from '../../weights/expert-weights.ts';
import {
  attentionBias,
  headNorms,
  type Layer,
  llamaHeads,
  llamaMlp,
  llamaModel,
  type LlamaSizes,
  llamaSizes,
  rmsNorms,
} from './llama-parts.ts';
import { RotaryTables } from '../rotary-tables.ts';

/** Declares the weights of a `Qwen3Moe…` checkpoint. */
export function qwen3Moe(config: Config, loader: WeightLoader): SequenceDefinition {
  const sizes = llamaSizes(config);
  const rotary = new RotaryTables(config, loader, sizes.headSize);
  const isSlid = config.boolean('use_sliding_window', false);
  const window = isSlid ? config.integer('sliding_window', 4096) : undefined;
  const norm = rmsNorms(loader, sizes);
  const isSparse = sparseLayers(config);
  const layer: Layer = (prefix, index) => ({
    selfAttention: {
      ...llamaHeads(loader, `${prefix}.self_attn`, sizes, attentionBias(config)),
      headNorm: headNorms(loader, `${prefix}.self_attn`, sizes),
      rotary: rotary.table(),
      window,
    },
    selfAttentionNorm: norm(`${prefix}.input_layernorm`),
    feedForward: isSparse(index)
      ? qwenExperts(config, loader, `${prefix}.mlp`, sizes)
      : llamaMlp(config, loader, `${prefix}.mlp`, sizes),
    feedForwardNorm: norm(`${prefix}.post_attention_layernorm`),
  });
  return {
    ...llamaModel(config, loader, { norm, rotary }, layer),
    balance: expertBalance(config),
  };
}

/** Layers with experts: every `decoder_sparse_step`-th but for those that are named. */
function sparseLayers(config: Config): (layer: number) => boolean {
  const step = config.integer('decoder_sparse_step', 1);
  const list = config.get('mlp_only_layers') ?? [];
  if (!Array.isArray(list)) config.invalid('mlp_only_layers', 'a list of layers');
  const dense: readonly unknown[] = Array.isArray(list) ? list : [];
  return (layer) => !dense.includes(layer) && (layer + 1) % step === 0;
}

function qwenExperts(
  config: Config,
  loader: WeightLoader,
  prefix: string,
  { size }: LlamaSizes,
): Experts {
  const count = config.integer(expertCount(config), 128);
  const width = config.integer('moe_intermediate_size', 768);
  return new Experts({
    router: loader.linear(`${prefix}.gate`, count, size, { bias: false }),
    routing: {
      chosen: config.integer('num_experts_per_tok', 8, 1, count),
      amongChosen: config.boolean('norm_topk_prob', false),
    },
    inner: expertsOf(loader, `${prefix}.experts`, count, ['gate_proj', 'up_proj'], [width, size]),
    outer: expertsOf(loader, `${prefix}.experts`, count, ['down_proj'], [size, width]),
    gate: config.activation('hidden_act', 'silu'),
  });
}

/** What config.json calls the number of experts. */
export function expertCount(config: Config): 'num_experts' | 'num_local_experts' {
  return config.get('num_experts') === undefined ? 'num_local_experts' : 'num_experts';
}

/**
 * Matrices of (out, in) of each expert, those of one below those of another: two are what gates and what is gated. The
 * classes have one parameter of them.
 */
export function expertsOf(
  loader: WeightLoader,
  prefix: string,
  count: number,
  names: readonly string[],
  [out, input]: readonly [number, number],
): ExpertLinear {
  const all = Array.from({ length: count }, (_, expert) =>
    names.map((name) => `${prefix}.${expert}.${name}.weight`),
  );
  const parameter = names.length === 2 ? 'gate_up_proj' : 'down_proj';
  const weight = loader.matrix(all.flat(), out, input);
  return { name: `${prefix}.${parameter}`, experts: count, weight };
}
