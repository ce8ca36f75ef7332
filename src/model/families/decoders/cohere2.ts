// Command R7B and Command A (Cohere et al., 2025, arXiv 2504.00698, §2.2): attention and feed-forward network side by side
// behind one norm, layers with a window that rotate neighbours, and layers that see everything and know no positions.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { parallel } from '../../layers/block.ts';
import type { LayerNormWeights } from '../../../shaders/rows/norm.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import {
  attentionBias,
  layerTypes,
  llamaHeads,
  llamaMlp,
  llamaModel,
  llamaSizes,
} from './llama-parts.ts';
import { RotaryTables } from '../rotary-tables.ts';

/** Declares the weights of a `Cohere2…` checkpoint. */
export function cohere2(config: Config, loader: WeightLoader): SequenceDefinition {
  const sizes = llamaSizes(config);
  const rotary = new RotaryTables(config, loader, sizes.headSize);
  const types = layerTypes(config);
  const pattern = config.integer('sliding_window_pattern', 4);
  const slides = (layer: number): boolean =>
    types ? types[layer] === 'sliding_attention' : (layer + 1) % pattern !== 0;
  const window = config.integer('sliding_window', 4096);
  const norm = biaslessNorms(config, loader, sizes.size);
  const frame = {
    block: parallel,
    norm,
    rotary,
    tied: true,
    output: { scale: config.number('logit_scale', 0.0625) },
  };
  return llamaModel(config, loader, frame, (prefix, index) => {
    const shared = norm(`${prefix}.input_layernorm`);
    return {
      selfAttention: {
        ...llamaHeads(loader, `${prefix}.self_attn`, sizes, attentionBias(config)),
        ...(slides(index) && { window, rotary: { ...rotary.table(), neighbours: true } }),
      },
      selfAttentionNorm: shared,
      feedForward: llamaMlp(config, loader, `${prefix}.mlp`, sizes),
      feedForwardNorm: shared,
    };
  });
}

/** Layer norms that add nothing. */
function biaslessNorms(
  config: Config,
  loader: WeightLoader,
  size: number,
): (name: string) => LayerNormWeights {
  const eps = config.positive('layer_norm_eps', 1e-5);
  const bias = loader.computed('no bias', [size], new Float32Array(size));
  return (name) => ({ weight: loader.vector(`${name}.weight`, size), bias, eps });
}
