// Gemma 2 (arXiv 2408.00118, §2) and the text part of Gemma 3 (arXiv 2503.19786, §2): Llama with norms
// before and after each sub-layer, sliding windows in most layers, and a GELU that gates.

import type { Config } from '../config.ts';
import type { SequenceDefinition } from '../definitions.ts';
import { sandwichNorm, type SublayerNorm } from '../layers/block.ts';
import type { WeightLoader } from '../weights/weights.ts';
import {
  layerTypes,
  type LlamaAttention,
  llamaAttention,
  llamaMlp,
  llamaModel,
  llamaNorm,
  llamaSizes,
} from './llama.ts';
import { RotaryTables } from './rotary-tables.ts';

/** Declares the weights of a `Gemma2…` checkpoint. */
export function gemma2(config: Config, loader: WeightLoader): SequenceDefinition {
  const sliding = slidingLayers(config, 2);
  const window = config.integer('sliding_window', 4096);
  return gemmaLayers(config, loader, (rotary, layer) => ({
    rotary: rotary.table(),
    window: sliding(layer) ? window : undefined,
  }));
}

/** Declares the weights of a `Gemma3ForCausalLM` checkpoint: queries and keys have norms, too. */
export function gemma3(config: Config, loader: WeightLoader): SequenceDefinition {
  config.only('use_bidirectional_attention', false);
  const sliding = slidingLayers(config, config.integer('sliding_window_pattern', 6));
  const window = config.integer('sliding_window', 4096);
  const local = config.positive('rope_local_base_freq', 1e4);
  // Layers with a window have frequencies of their own, which nothing stretches.
  const ownTheta = config.get('rope_parameters') === undefined ? local : undefined;
  return gemmaLayers(config, loader, (rotary, layer) => ({
    headNorm: { offset: 1 },
    ...(sliding(layer)
      ? { window, rotary: rotary.table({ layerType: 'sliding_attention', ownTheta }) }
      : { rotary: rotary.table({ layerType: 'full_attention', theta: 1e6 }) }),
  }));
}

function gemmaLayers(
  config: Config,
  loader: WeightLoader,
  attentionOf: (rotary: RotaryTables, layer: number) => LlamaAttention,
): SequenceDefinition {
  const sizes = llamaSizes(config);
  const norm = llamaNorm(loader, sizes, 1);
  const rotary = new RotaryTables(config, loader, sizes.headSize);
  const bias = config.boolean('attention_bias', false);
  const activation = config.activation(
    config.get('hidden_activation') === undefined ? 'hidden_act' : 'hidden_activation',
    'gelu_pytorch_tanh',
  );
  const shared: LlamaAttention = {
    bias: [bias, bias],
    scale: config.positive('query_pre_attn_scalar', 256) ** -0.5,
    softcap: optional(config, 'attn_logit_softcapping'),
  };
  const around = (before: string, after: string): SublayerNorm => ({
    ...norm(before),
    after: norm(after),
  });
  return llamaModel(config, loader, {
    block: sandwichNorm,
    norm,
    rotary,
    embeddingScale: Math.sqrt(sizes.size),
    tied: true,
    softcap: optional(config, 'final_logit_softcapping'),
    layer: (prefix, index) => ({
      selfAttention: llamaAttention(loader, `${prefix}.self_attn`, sizes, {
        ...shared,
        ...attentionOf(rotary, index),
      }),
      selfAttentionNorm: around(`${prefix}.input_layernorm`, `${prefix}.post_attention_layernorm`),
      feedForward: llamaMlp(config, loader, `${prefix}.mlp`, sizes, activation),
      feedForwardNorm: around(
        `${prefix}.pre_feedforward_layernorm`,
        `${prefix}.post_feedforward_layernorm`,
      ),
    }),
  });
}

/** Which layers have a window: those that `layer_types` names, else all but every `pattern`-th. */
function slidingLayers(config: Config, pattern: number): (layer: number) => boolean {
  const types = layerTypes(config);
  if (types) return (layer) => types[layer] === 'sliding_attention';
  return (layer) => (layer + 1) % pattern !== 0;
}

function optional(config: Config, name: string): number | undefined {
  return config.get(name) === undefined ? undefined : config.positive(name);
}
