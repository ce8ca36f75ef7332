// OPT (Zhang et al., 2022, arXiv 2205.01068, §2.1): GPT-3's decoder with ReLU and learned positions, which count what is no
// padding and begin at row 2. That of 350M parameters has its norms behind the sub-layers, and narrower embeddings.

import { paddingOf } from '../../layers/embeddings.ts';
import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { causalHead, tieOutput } from '../../heads/causal-head.ts';
import { baseRoot } from '../../heads/head-name.ts';
import { tokenInput } from '../../inputs/token-inputs.ts';
import { postNorm, preNorm } from '../../layers/block.ts';
import { layerNormWeights } from '../../layers/norm-weights.ts';
import type { LayerWeights } from '../../layers/stack.ts';
import type { LayerNormWeights } from '../../../shaders/rows/norm.ts';
import type { WeightLoader } from '../../weights/weights.ts';

/** Rows of the positions' table before the first one. */
const offset = 2;

/** Declares the weights of an `OPT…` checkpoint. */
export function opt(config: Config, loader: WeightLoader): SequenceDefinition {
  const root = `${baseRoot(config, loader, 'model.', 'decoder.embed_tokens.weight')}decoder.`;
  tieOutput(config, loader, `${root}embed_tokens.weight`, true);
  const size = config.integer('hidden_size');
  const narrow = config.integer('word_embed_proj_dim', size);
  const width = config.integer('ffn_dim');
  const heads = config.heads('num_attention_heads', size);
  const bias = config.boolean('enable_bias', true);
  const activation = config.activation('activation_function', 'relu');
  const isPreNorm = config.boolean('do_layer_norm_before', true);
  const isNormed = isPreNorm && !config.boolean('_remove_final_layer_norm', false);
  const norm = normsOf(config, loader, size);
  const layer = (prefix: string): LayerWeights => ({
    selfAttention: {
      heads,
      queryKeyValue: loader.linear(
        ['q_proj', 'k_proj', 'v_proj'].map((name) => `${prefix}.self_attn.${name}`),
        size,
        size,
        { bias },
      ),
      output: loader.linear(`${prefix}.self_attn.out_proj`, size, size, { bias }),
    },
    selfAttentionNorm: norm(`${prefix}.self_attn_layer_norm`),
    feedForward: {
      kind: 'plain',
      inner: loader.linear(`${prefix}.fc1`, width, size, { bias }),
      outer: loader.linear(`${prefix}.fc2`, size, width, { bias }),
      activation,
    },
    feedForwardNorm: norm(`${prefix}.final_layer_norm`),
  });
  const vocabulary = config.integer('vocab_size');
  const maxPositions = config.integer('max_position_embeddings');
  const tokens = loader.matrix(`${root}embed_tokens.weight`, vocabulary, narrow);
  const positions = `${root}embed_positions.weight`;
  const table = loader.matrix(positions, maxPositions + offset, size, { dtype: 'f32' });
  const between = (name: string, out: number, input: number) =>
    narrow === size ? undefined : loader.linear(`${root}${name}`, out, input, { bias: false });
  return {
    ...tokenInput({
      vocabulary,
      maxPositions,
      countsMask: true,
      embeddings: {
        tokens,
        padding: paddingOf(config, 1),
        positions: { table, offset },
        tokenProjection: between('project_in', size, narrow),
      },
    }),
    stack: {
      block: isPreNorm ? preNorm : postNorm,
      layers: Array.from({ length: config.layers('num_hidden_layers') }, (_, i) =>
        layer(`${root}layers.${i}`),
      ),
      finalNorm: isNormed ? norm(`${root}final_layer_norm`) : undefined,
      projection: between('project_out', narrow, size),
      normalizesLastState: true,
      dropout: {
        residual: config.rate('dropout', 0.1),
        attention: config.rate('attention_dropout', 0),
        activation: 0,
      },
    },
    causal: true,
    head: causalHead(config, loader, { tokens }),
  };
}

/** Layer norms, which may have no weights. */
function normsOf(
  config: Config,
  loader: WeightLoader,
  size: number,
): (prefix: string) => LayerNormWeights {
  if (config.boolean('layer_norm_elementwise_affine', true)) {
    return (prefix) => layerNormWeights(loader, prefix, size);
  }
  const weight = loader.computed('gain', [size], new Float32Array(size).fill(1));
  const bias = loader.computed('bias', [size], new Float32Array(size));
  return () => ({ weight, bias, eps: 1e-5 });
}
