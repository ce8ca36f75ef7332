// Granite 3 (Granite Team, IBM, 2024, "Granite 3.0 Language Models", §3): Llama with a factor each for embeddings, scores,
// what sub-layers add, and logits, as µP has them (Yang et al., 2022, arXiv 2203.03466).

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { scaledPreNorm } from '../../layers/layer-scale.ts';
import type { SublayerNorm } from '../../layers/block.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import {
  attentionBias,
  llamaHeads,
  llamaMlp,
  llamaModel,
  llamaSizes,
  rmsNorms,
} from './llama-parts.ts';
import { RotaryTables } from '../rotary-tables.ts';

/** Declares the weights of a `Granite…` checkpoint. */
export function granite(config: Config, loader: WeightLoader): SequenceDefinition {
  const sizes = llamaSizes(config);
  const rotary = new RotaryTables(config, loader, sizes.headSize);
  const norm = rmsNorms(loader, sizes);
  const factors = new Float32Array(sizes.size).fill(config.number('residual_multiplier', 1));
  const factor = loader.computed('residual multiplier', [sizes.size], factors);
  const scaled = (name: string): SublayerNorm => ({ ...norm(name), scale: factor });
  const frame = {
    block: scaledPreNorm,
    norm,
    rotary,
    embeddingScale: config.number('embedding_multiplier', 1),
    output: { scale: 1 / config.positive('logits_scaling', 1) },
  };
  return llamaModel(config, loader, frame, (prefix) => ({
    selfAttention: {
      ...llamaHeads(loader, `${prefix}.self_attn`, sizes, attentionBias(config)),
      rotary: rotary.table(),
      scale: config.number('attention_multiplier', 1),
    },
    selfAttentionNorm: scaled(`${prefix}.input_layernorm`),
    feedForward: llamaMlp(config, loader, `${prefix}.mlp`, sizes),
    feedForwardNorm: scaled(`${prefix}.post_attention_layernorm`),
  }));
}
