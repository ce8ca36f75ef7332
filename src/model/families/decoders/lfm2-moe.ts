// LFM2's mixtures of experts (Liquid AI, 2025, arXiv 2511.23404, §2.3): LFM2 whose later layers have experts, which a
// sigmoid of each chooses together with a bias that balances them.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { Experts } from '../../layers/experts.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import type { Tensor } from '../../../runtime/tensor.ts';
import { RotaryTables } from '../rotary-tables.ts';
import { lfm2Heads, shortConvolution, swiGlu, tiedAsNamed } from './lfm2.ts';
import { layerTypes, llamaModel, type LlamaSizes, llamaSizes, rmsNorms } from './llama-parts.ts';
import { expertsOf } from './qwen3-moe.ts';

/** Declares the weights of an `Lfm2Moe…` checkpoint. */
export function lfm2Moe(config: Config, loader: WeightLoader): SequenceDefinition {
  const sizes = { ...llamaSizes(config), eps: config.positive('norm_eps', 1e-5) };
  const rotary = new RotaryTables(config, loader, sizes.headSize);
  const types = layerTypes(config, ['full_attention', 'conv']);
  if (types === undefined) config.invalid('layer_types', '"full_attention" or "conv" by layer');
  const dense = config.integer('num_dense_layers', 2, 0);
  const norm = rmsNorms(loader, sizes);
  const frame = { norm, lastNorm: 'embedding_norm', rotary, tied: true };
  return llamaModel(tiedAsNamed(config), loader, frame, (prefix, index) => ({
    selfAttention:
      types?.[index] === 'conv'
        ? shortConvolution(config, loader, `${prefix}.conv`, sizes)
        : {
            ...lfm2Heads(loader, `${prefix}.self_attn`, sizes),
            rotary: rotary.table({ theta: 1e6 }),
          },
    selfAttentionNorm: norm(`${prefix}.operator_norm`),
    feedForward:
      index < dense
        ? swiGlu(loader, `${prefix}.feed_forward`, sizes)
        : lfm2Experts(config, loader, `${prefix}.feed_forward`, sizes),
    feedForwardNorm: norm(`${prefix}.ffn_norm`),
  }));
}

function lfm2Experts(
  config: Config,
  loader: WeightLoader,
  prefix: string,
  { size }: LlamaSizes,
): Experts {
  const count = config.integer('num_experts', 32);
  const width = config.integer('moe_intermediate_size', 1792);
  return new Experts({
    router: loader.linear(`${prefix}.gate`, count, size, { bias: false }),
    routing: {
      scores: 'sigmoid',
      bias: config.boolean('use_expert_bias', true)
        ? expertBias(config, loader, prefix, count)
        : undefined,
      chosen: config.integer('num_experts_per_tok', 4, 1, count),
      amongChosen: config.boolean('norm_topk_prob', true),
      scale: config.number('routed_scaling_factor', 1),
    },
    inner: expertsOf(loader, `${prefix}.experts`, count, ['w1', 'w3'], [width, size]),
    outer: expertsOf(loader, `${prefix}.experts`, count, ['w2'], [size, width]),
    gate: 'silu',
  });
}

/** It belongs to the checkpoint, but no gradient reaches it. */
function expertBias(config: Config, loader: WeightLoader, prefix: string, count: number): Tensor {
  const found = loader.constant(`${prefix}.expert_bias`, [count]);
  return found ?? config.invalid('use_expert_bias', `false, as there is no ${prefix}.expert_bias`);
}
