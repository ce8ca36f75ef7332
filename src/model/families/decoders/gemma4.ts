// The text part of Gemma 4 (Google DeepMind, 2026): Gemma 3 whose last layers attend to keys and values of earlier ones,
// with wider heads in layers that see everything, with vectors of the tokens themselves for each layer, and in larger
// models with experts beside the feed-forward network.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { type Block, sandwichNorm, type SublayerNorm } from '../../layers/block.ts';
import { PerLayerTail } from '../../layers/per-layer.ts';
import { reorderedNorm } from '../../layers/reordered-norm.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { Gemma4Attention } from './gemma4-attention.ts';
import { gemma4Experts } from './gemma4-experts.ts';
import { llamaMlp, llamaModel, llamaSizes, rmsNorms } from './llama-parts.ts';
import { perLayerParts } from './per-layer-parts.ts';

/** What counts where config.json says nothing. */
interface Usual {
  /** What each layer takes of the tokens themselves. */
  readonly perLayer: number;
  readonly window: number;
}

/** Declares the weights of a `Gemma4…` checkpoint of texts. */
export function gemma4(
  config: Config,
  loader: WeightLoader,
  usual: Usual = { perLayer: 256, window: 512 },
): SequenceDefinition {
  const sizes = { ...llamaSizes(config), headSize: config.integer('head_dim', 256) };
  const attention = new Gemma4Attention(config, loader, sizes, usual.window);
  const activation = config.activation('hidden_activation', 'gelu_pytorch_tanh');
  const hasExperts = config.boolean('enable_moe_block', false);
  const isWide = config.boolean('use_double_wide_mlp', false);
  const perLayer = perLayerParts(config, loader, sizes, {
    usual: usual.perLayer,
    leastVocabulary: config.integer('vocab_size'),
  });
  const norm = rmsNorms(loader, sizes);
  const around = (before: string, after: string): SublayerNorm => ({
    ...norm(before),
    after: norm(after),
  });
  const frame = {
    block: hasExperts ? besideExperts : sandwichNorm,
    norm,
    rotary: attention.rotary,
    embeddingScale: Math.sqrt(sizes.size),
    perLayer: perLayer?.embeddings,
    tied: true,
    output: {
      softcap:
        config.get('final_logit_softcapping') === undefined
          ? undefined
          : config.positive('final_logit_softcapping'),
    },
  };
  const model = llamaModel(config, loader, frame, (prefix, index) => {
    const width = isWide && attention.takesKeys(index) ? 2 * sizes.width : sizes.width;
    const mlp = llamaMlp(config, loader, `${prefix}.mlp`, { ...sizes, width }, activation);
    const before = `${prefix}.pre_feedforward_layernorm`;
    const after = `${prefix}.post_feedforward_layernorm`;
    return {
      selfAttention: attention.layer(`${prefix}.self_attn`, index),
      selfAttentionNorm: around(`${prefix}.input_layernorm`, `${prefix}.post_attention_layernorm`),
      ...(hasExperts
        ? {
            feedForward: gemma4Experts(config, loader, prefix, { sizes, mlp, activation }),
            feedForwardNorm: norm(after),
          }
        : { feedForward: mlp, feedForwardNorm: around(before, after) }),
      around: new PerLayerTail(
        perLayer && { ...perLayer.gate(prefix, index), activation },
        loader.constant(`${prefix}.layer_scalar`, [1]),
      ),
    };
  });
  return { ...model, causal: !attention.seesBothWays };
}

/** Declares the weights of a `Gemma4Unified…` checkpoint of texts, whose layers take nothing of the tokens themselves. */
export function gemma4Unified(config: Config, loader: WeightLoader): SequenceDefinition {
  return gemma4(config, loader, { perLayer: 0, window: 1024 });
}

/** Attention between norms; experts, which have norms of their own, before one. */
const besideExperts: Block = (x, [attention, ...experts], rate) =>
  reorderedNorm(attention ? sandwichNorm(x, [attention], rate) : x, experts, rate);
