// StableLM (Bellagente et al., 2024, "Stable LM 2 1.6B Technical Report", arXiv 2402.17834, §2.3): Llama with layer norms,
// and positions that rotate a quarter of each head.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { parallel, preNorm } from '../../layers/block.ts';
import { layerNormWeights } from '../../layers/norm-weights.ts';
import type { LayerNormWeights } from '../../../shaders/rows/norm.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { llamaHeads, llamaMlp, llamaModel, llamaSizes } from './llama-parts.ts';
import { RotaryTables } from '../rotary-tables.ts';

/** Declares the weights of a `StableLm…` checkpoint. */
export function stableLm(config: Config, loader: WeightLoader): SequenceDefinition {
  const sizes = llamaSizes(config);
  const rotary = new RotaryTables(config, loader, sizes.headSize);
  const input = config.boolean('use_qkv_bias', false);
  const isParallel = config.boolean('use_parallel_residual', false);
  const eps = config.positive('layer_norm_eps', 1e-5);
  const norm = (name: string): LayerNormWeights => layerNormWeights(loader, name, sizes.size, eps);
  const frame = { block: isParallel ? parallel : preNorm, norm, rotary };
  return llamaModel(config, loader, frame, (prefix) => {
    const first = norm(`${prefix}.input_layernorm`);
    return {
      selfAttention: {
        ...llamaHeads(loader, `${prefix}.self_attn`, sizes, { input, output: false }),
        rotary: rotary.table({ partial: 0.25 }),
      },
      selfAttentionNorm: first,
      feedForward: llamaMlp(config, loader, `${prefix}.mlp`, sizes),
      // Side by side, both sub-layers see what one norm gives.
      feedForwardNorm: isParallel ? first : norm(`${prefix}.post_attention_layernorm`),
    };
  });
}
