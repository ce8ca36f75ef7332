// Gemma 2 (arXiv 2408.00118, §2) and the text part of Gemma 3 (arXiv 2503.19786, §2): Llama with norms
// before and after each sub-layer, sliding windows in most layers, and a GELU that gates.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { headName } from '../../heads/head-name.ts';
import { sandwichNorm, type SublayerNorm } from '../../layers/block.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import type { Rotary } from '../../../shaders/attention/heads/split-heads.ts';
import type { Activation } from '../../../shaders/matmul/matmul.ts';
import {
  type Attention,
  attentionBias,
  headNorms,
  layerTypes,
  llamaHeads,
  llamaMlp,
  llamaModel,
  type LlamaSizes,
  llamaSizes,
  rmsNorms,
} from './llama-parts.ts';
import { RotaryTables } from '../rotary-tables.ts';

/** Declares the weights of a `Gemma2…` checkpoint. */
export function gemma2(config: Config, loader: WeightLoader): SequenceDefinition {
  const sizes = llamaSizes(config);
  const rotary = new RotaryTables(config, loader, sizes.headSize);
  const sliding = slidingLayers(config, 2);
  const window = config.integer('sliding_window', 4096);
  return gemmaModel(config, loader, { sizes, rotary }, (prefix, layer) => ({
    ...gemmaHeads(config, loader, prefix, sizes),
    rotary: rotary.table(),
    window: sliding(layer) ? window : undefined,
  }));
}

/**
 * Declares the weights of a `Gemma3…` checkpoint of texts: queries and keys have norms, too. EmbeddingGemma (Schechter
 * Vera et al., 2025, arXiv 2509.20354, §2.1) sees both ways, half a window to either side.
 */
export function gemma3(config: Config, loader: WeightLoader): SequenceDefinition {
  const seesBothWays = config.boolean('use_bidirectional_attention', false);
  if (seesBothWays && headName(config) === 'CausalLM') {
    config.refuse(
      'use_bidirectional_attention',
      'false, as what sees both ways tells no next token',
    );
  }
  const sizes = llamaSizes(config);
  const rotary = new RotaryTables(config, loader, sizes.headSize);
  const sliding = slidingLayers(config, config.integer('sliding_window_pattern', 6));
  const given = config.integer('sliding_window', 4096);
  const window = seesBothWays ? Math.floor(given / 2) + 1 : given;
  const rotaryOf = gemmaRotary(config, rotary);
  const model = gemmaModel(config, loader, { sizes, rotary }, (prefix, layer) => ({
    ...gemmaHeads(config, loader, prefix, sizes),
    headNorm: headNorms(loader, prefix, sizes, 1),
    window: sliding(layer) ? window : undefined,
    rotary: rotaryOf(sliding(layer)),
  }));
  return { ...model, causal: !seesBothWays };
}

/** The positions of layers with a window, and of those without. */
export function gemmaRotary(config: Config, rotary: RotaryTables): (isLocal: boolean) => Rotary {
  const local = config.positive('rope_local_base_freq', 1e4);
  // Layers with a window have frequencies of their own, which nothing stretches.
  const ownTheta = config.get('rope_parameters') === undefined ? local : undefined;
  return (isLocal) =>
    rotary.table(
      isLocal
        ? { layerType: 'sliding_attention', ownTheta }
        : { layerType: 'full_attention', theta: 1e6 },
    );
}

/** Heads whose scores have a factor and a bound. */
export function gemmaHeads(
  config: Config,
  loader: WeightLoader,
  prefix: string,
  sizes: LlamaSizes,
): ReturnType<Attention> {
  return {
    ...llamaHeads(loader, prefix, sizes, attentionBias(config)),
    ...gemmaScores(config),
  };
}

export function gemmaScores(
  config: Config,
): Pick<ReturnType<Attention>, 'softcap'> & { readonly scale: number } {
  return {
    scale: config.positive('query_pre_attn_scalar', 256) ** -0.5,
    softcap: optional(config, 'attn_logit_softcapping'),
  };
}

/** The activation that gates, by its newer name or its older one. */
export function gemmaActivation(config: Config): Activation {
  return config.activation(
    config.get('hidden_activation') === undefined ? 'hidden_act' : 'hidden_activation',
    'gelu_pytorch_tanh',
  );
}

/** Norms on both sides of each sub-layer, embeddings scaled by √d_model, and logits that are bounded. */
function gemmaModel(
  config: Config,
  loader: WeightLoader,
  { sizes, rotary }: { readonly sizes: LlamaSizes; readonly rotary: RotaryTables },
  attention: Attention,
): SequenceDefinition {
  const norm = rmsNorms(loader, sizes, 1);
  const activation = gemmaActivation(config);
  const around = (before: string, after: string): SublayerNorm => ({
    ...norm(before),
    after: norm(after),
  });
  const frame = {
    block: sandwichNorm,
    norm,
    rotary,
    embeddingScale: Math.sqrt(sizes.size),
    tied: true,
    output: { softcap: optional(config, 'final_logit_softcapping') },
  };
  return llamaModel(config, loader, frame, (prefix, index) => ({
    selfAttention: attention(`${prefix}.self_attn`, index),
    selfAttentionNorm: around(`${prefix}.input_layernorm`, `${prefix}.post_attention_layernorm`),
    feedForward: llamaMlp(config, loader, `${prefix}.mlp`, sizes, activation),
    feedForwardNorm: around(
      `${prefix}.pre_feedforward_layernorm`,
      `${prefix}.post_feedforward_layernorm`,
    ),
  }));
}

/** Which layers have a window: those that `layer_types` names, else all but every `pattern`-th. */
export function slidingLayers(config: Config, pattern: number): (layer: number) => boolean {
  const types = layerTypes(config);
  if (types) return (layer) => types[layer] === 'sliding_attention';
  return (layer) => (layer + 1) % pattern !== 0;
}

/** A bound, where there is one. */
export function optional(config: Config, name: string): number | undefined {
  return config.get(name) === undefined ? undefined : config.positive(name);
}
