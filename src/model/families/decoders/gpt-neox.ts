// GPT-NeoX (Black et al., 2022, arXiv 2204.06745, §2.1) and Pythia (Biderman et al., 2023, arXiv 2304.01373): layer norms,
// attention and feed-forward network side by side, positions that rotate a part of each head, and one projection in
// which queries, keys and values of a head follow each other.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { causalHead, tieOutput } from '../../heads/causal-head.ts';
import { baseRoot } from '../../heads/head-name.ts';
import { tokenInput } from '../../inputs/token-inputs.ts';
import { parallel, preNorm } from '../../layers/block.ts';
import { layerNormWeights } from '../../layers/norm-weights.ts';
import type { LayerWeights } from '../../layers/stack.ts';
import type { NormWeights } from '../../../shaders/rows/norm.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { RotaryTables } from '../rotary-tables.ts';

/** Declares the weights of a `GPTNeoX…` checkpoint. */
export function gptNeoX(config: Config, loader: WeightLoader): SequenceDefinition {
  const root = baseRoot(config, loader, 'gpt_neox.', 'final_layer_norm.weight');
  const output = { name: loader.has('lm_head.weight') ? 'lm_head' : 'embed_out' };
  tieOutput(config, loader, `${root}embed_in.weight`, false, output);
  const size = config.integer('hidden_size');
  const width = config.integer('intermediate_size');
  const heads = config.heads('num_attention_heads', size);
  const eps = config.positive('layer_norm_eps', 1e-5);
  const bias = config.boolean('attention_bias', true);
  const activation = config.activation('hidden_act', 'gelu');
  const rotary = new RotaryTables(config, loader, size / heads);
  const table = rotary.table({
    theta: config.positive('rotary_emb_base', 10000),
    partial: config.number('rotary_pct', 0.25),
  });
  const norm = (prefix: string): NormWeights => layerNormWeights(loader, prefix, size, eps);
  const layer = (prefix: string): LayerWeights => ({
    selfAttention: {
      heads,
      interleaved: true,
      queryKeyValue: loader.linear(`${prefix}.attention.query_key_value`, 3 * size, size, { bias }),
      output: loader.linear(`${prefix}.attention.dense`, size, size, { bias }),
      rotary: table,
    },
    selfAttentionNorm: norm(`${prefix}.input_layernorm`),
    feedForward: {
      kind: 'plain',
      inner: loader.linear(`${prefix}.mlp.dense_h_to_4h`, width, size),
      outer: loader.linear(`${prefix}.mlp.dense_4h_to_h`, size, width),
      activation,
    },
    feedForwardNorm: norm(`${prefix}.post_attention_layernorm`),
  });
  const vocabulary = config.integer('vocab_size');
  const tokens = loader.matrix(`${root}embed_in.weight`, vocabulary, size);
  const rate = config.rate('hidden_dropout', 0);
  return {
    ...tokenInput({
      vocabulary,
      ...rotary.reading(() => config.integer('max_position_embeddings')),
      embeddings: { tokens, dropout: rate },
    }),
    stack: {
      block: config.boolean('use_parallel_residual', true) ? parallel : preNorm,
      layers: Array.from({ length: config.layers('num_hidden_layers') }, (_, i) =>
        layer(`${root}layers.${i}`),
      ),
      finalNorm: norm(`${root}final_layer_norm`),
      normalizesLastState: true,
      dropout: {
        residual: rate,
        attention: config.rate('attention_dropout', 0),
        activation: 0,
      },
    },
    causal: true,
    head: causalHead(config, loader, { tokens }, output),
  };
}
