// OLMo 2 (OLMo et al., 2025, arXiv 2501.00656, §3.2): Llama with norms behind the sub-layers, and norms of all queries
// and of all keys of a token. OLMo 3 (2025, arXiv 2512.13961, §3.2) sees but a window in three of four layers.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { reorderedNorm } from '../../layers/reordered-norm.ts';
import type { HeadNorm } from '../../../shaders/attention/heads/split-heads.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import {
  type Attention,
  attentionBias,
  layerTypes,
  llamaHeads,
  llamaMlp,
  llamaModel,
  type LlamaSizes,
  llamaSizes,
  rmsNorms,
} from './llama-parts.ts';
import { RotaryTables } from '../rotary-tables.ts';

/** Declares the weights of an `Olmo2…` checkpoint. */
export function olmo2(config: Config, loader: WeightLoader): SequenceDefinition {
  const sizes = olmoSizes(config);
  const rotary = new RotaryTables(config, loader, sizes.headSize);
  return olmoModel(config, loader, { sizes, rotary }, (prefix) => ({
    ...llamaHeads(loader, prefix, sizes, attentionBias(config)),
    headNorm: wideNorms(loader, prefix, sizes),
    rotary: rotary.table(),
  }));
}

/** Declares the weights of an `Olmo3…` checkpoint. Only layers that see everything stretch their frequencies. */
export function olmo3(config: Config, loader: WeightLoader): SequenceDefinition {
  const sizes = olmoSizes(config);
  const rotary = new RotaryTables(config, loader, sizes.headSize);
  const types = layerTypes(config);
  const slides = (layer: number): boolean =>
    types ? types[layer] === 'sliding_attention' : (layer + 1) % 4 !== 0;
  const window = config.integer('sliding_window', 4096);
  const theta = 5e5;
  const ownTheta = config.get('rope_parameters') === undefined ? theta : undefined;
  return olmoModel(config, loader, { sizes, rotary }, (prefix, layer) => ({
    ...llamaHeads(loader, prefix, sizes, attentionBias(config)),
    headNorm: wideNorms(loader, prefix, sizes),
    ...(slides(layer)
      ? { window, rotary: rotary.table({ layerType: 'sliding_attention', theta, ownTheta }) }
      : { rotary: rotary.table({ layerType: 'full_attention', theta }) }),
  }));
}

function olmoSizes(config: Config): LlamaSizes {
  return llamaSizes(config, 1e-5);
}

/** Norms over all heads of a token. */
function wideNorms(
  loader: WeightLoader,
  prefix: string,
  { heads, keyValueHeads, headSize, eps }: LlamaSizes,
): HeadNorm {
  const names = [`${prefix}.q_norm.weight`, `${prefix}.k_norm.weight`];
  const weight = loader.vector(names, [heads * headSize, keyValueHeads * headSize]);
  return { weight, eps, offset: 0, wide: true };
}

function olmoModel(
  config: Config,
  loader: WeightLoader,
  { sizes, rotary }: { readonly sizes: LlamaSizes; readonly rotary: RotaryTables },
  attention: Attention,
): SequenceDefinition {
  const norm = rmsNorms(loader, sizes);
  const frame = { block: reorderedNorm, norm, rotary };
  return llamaModel(config, loader, frame, (prefix, index) => ({
    selfAttention: attention(`${prefix}.self_attn`, index),
    selfAttentionNorm: norm(`${prefix}.post_attention_layernorm`),
    feedForward: llamaMlp(config, loader, `${prefix}.mlp`, sizes),
    feedForwardNorm: norm(`${prefix}.post_feedforward_layernorm`),
  }));
}
