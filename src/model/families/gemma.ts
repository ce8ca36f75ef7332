// Gemma 2 (arXiv 2408.00118, §2) and the text part of Gemma 3 (arXiv 2503.19786, §2): Llama with norms
// before and after each sub-layer, sliding windows in most layers, and a GELU that gates.

import type { Config } from '../config.ts';
import type { SequenceDefinition } from '../definitions.ts';
import { layerTypes, type LlamaVariant, llamaLayers } from './llama.ts';
import type { WeightLoader } from '../weights/weights.ts';
import { sandwichNorm } from '../layers/block.ts';

/** Declares the weights of a `Gemma2…` checkpoint. */
export function gemma2(config: Config, loader: WeightLoader): SequenceDefinition {
  const sliding = slidingLayers(config, 2);
  const window = config.integer('sliding_window', 4096);
  return llamaLayers(config, loader, {
    ...shared(config),
    window: (layer) => (sliding(layer) ? window : undefined),
    softcap: optional(config, 'attn_logit_softcapping'),
    outputSoftcap: optional(config, 'final_logit_softcapping'),
  });
}

/** Declares the weights of a `Gemma3ForCausalLM` checkpoint: queries and keys have norms, too. */
export function gemma3(config: Config, loader: WeightLoader): SequenceDefinition {
  config.only('use_bidirectional_attention', false);
  const sliding = slidingLayers(config, config.integer('sliding_window_pattern', 6));
  const window = config.integer('sliding_window', 4096);
  const local = config.number('rope_local_base_freq', 1e4);
  return llamaLayers(config, loader, {
    ...shared(config),
    headNorm: true,
    window: (layer) => (sliding(layer) ? window : undefined),
    // Layers with a window have frequencies of their own, which nothing stretches.
    rotary: (layer) =>
      sliding(layer)
        ? {
            layerType: 'sliding_attention',
            ownTheta: config.get('rope_parameters') === undefined ? local : undefined,
          }
        : { layerType: 'full_attention', theta: 1e6 },
    softcap: optional(config, 'attn_logit_softcapping'),
    outputSoftcap: optional(config, 'final_logit_softcapping'),
  });
}

function shared(config: Config): LlamaVariant {
  const bias = config.boolean('attention_bias', false);
  const size = config.integer('hidden_size');
  return {
    attentionBias: [bias, bias],
    activation: config.activation(
      config.get('hidden_activation') === undefined ? 'hidden_act' : 'hidden_activation',
      'gelu_pytorch_tanh',
    ),
    normOffset: 1,
    scale: config.number('query_pre_attn_scalar', 256) ** -0.5,
    embeddingScale: Math.sqrt(size),
    tied: true,
    block: sandwichNorm,
    norms: (norm) => [
      { ...norm('input_layernorm'), after: norm('post_attention_layernorm') },
      { ...norm('pre_feedforward_layernorm'), after: norm('post_feedforward_layernorm') },
    ],
  };
}

/** Which layers have a window: those that `layer_types` names, else all but every `pattern`-th. */
function slidingLayers(config: Config, pattern: number): (layer: number) => boolean {
  const types = layerTypes(config);
  if (types) return (layer) => types[layer] === 'sliding_attention';
  return (layer) => (layer + 1) % pattern !== 0;
}

function optional(config: Config, name: string): number | undefined {
  return config.get(name) === undefined ? undefined : config.number(name);
}
