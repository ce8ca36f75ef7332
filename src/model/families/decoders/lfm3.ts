// LFM3 (Liquid AI, 2026): LFM2 with windows in some layers, gates behind the heads, and norms behind sub-layers, too.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { preNorm, sandwichNorm, type SublayerNorm } from '../../layers/block.ts';
import { OutputGate } from '../../layers/output-gate.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { TypedRotary } from '../typed-rotary.ts';
import { shortConvolution, swiGlu, tiedAsNamed } from './lfm2.ts';
import {
  attentionBias,
  headNorms,
  layerTypes,
  llamaHeads,
  llamaModel,
  type LlamaSizes,
  llamaSizes,
  rmsNorms,
} from './llama-parts.ts';

const [full, sliding, convolution] = ['full_attention', 'sliding_attention', 'conv'] as const;

/** Where config.json says nothing. */
const usualRotary = {
  [sliding]: { rope_type: 'default', rope_theta: 1e4 },
  [full]: { rope_type: 'proportional', partial_rotary_factor: 0.5, rope_theta: 1e6 },
};

/** Declares the weights of an `Lfm3…` checkpoint. */
export function lfm3(config: Config, loader: WeightLoader): SequenceDefinition {
  const sizes = {
    ...llamaSizes(config),
    headSize: config.integer('head_dim', 128),
    eps: config.positive('norm_eps', 1e-5),
  };
  const rotary = new TypedRotary(config, loader, sizes.headSize, usualRotary);
  const isSandwich = config.boolean('use_sandwich_norm', true);
  const norm = rmsNorms(loader, sizes);
  const around = (before: string, after: string): SublayerNorm =>
    isSandwich ? { ...norm(before), after: norm(after) } : norm(before);
  const frame = {
    block: isSandwich ? sandwichNorm : preNorm,
    norm,
    lastNorm: 'embedding_norm',
    rotary: rotary.tables,
    tied: true,
  };
  const types =
    layerTypes(config, [full, sliding, convolution]) ??
    Array.from({ length: config.layers('num_hidden_layers') }, (_, layer) => usualType(layer));
  const window = types.includes(sliding) ? windowOf(config) : undefined;
  return llamaModel(tiedAsNamed(config), loader, frame, (prefix, index) => {
    const type = types[index];
    const attention = `${prefix}.self_attn`;
    return {
      selfAttention:
        type === convolution
          ? shortConvolution(config, loader, `${prefix}.conv`, sizes, 7)
          : {
              ...llamaHeads(loader, attention, sizes, attentionBias(config)),
              headNorm: headNorms(loader, attention, sizes),
              rotary: rotary.table(String(type)),
              window: type === sliding ? window : undefined,
              gate: headGates(config, loader, attention, sizes),
            },
      selfAttentionNorm: around(`${prefix}.operator_norm`, `${prefix}.post_operator_norm`),
      feedForward: swiGlu(loader, `${prefix}.feed_forward`, sizes),
      feedForwardNorm: around(`${prefix}.ffn_norm`, `${prefix}.post_ffn_norm`),
    };
  });
}

/** The third of each four layers sees everything, the first a window but for the very first. */
function usualType(layer: number): string {
  if (layer % 4 === 2) return full;
  return layer % 4 === 0 && layer > 0 ? sliding : convolution;
}

function windowOf(config: Config): number {
  const name = 'sliding_window';
  if (config.fields[name] === null) config.invalid(name, 'a number, as layers have windows');
  return config.integer(name, 256);
}

/** A gate for each head; files call it by one name, and the class by another. */
function headGates(
  config: Config,
  loader: WeightLoader,
  prefix: string,
  { size, heads }: LlamaSizes,
): OutputGate | undefined {
  if (!config.boolean('use_attention_gate', true)) return undefined;
  const ofClass = `${prefix}.g_proj`;
  const name = loader.has(`${ofClass}.weight`) ? ofClass : `${prefix}.gate_proj`;
  return new OutputGate(loader.linear(name, heads, size, { bias: false }));
}
