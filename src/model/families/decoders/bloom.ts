// BLOOM (BigScience Workshop, 2022, arXiv 2211.05100, §3.2): a pre-norm decoder without positions, whose scores fall with
// the distance of keys ("ALiBi", Press et al., 2022, arXiv 2108.12409), and with a norm of the embeddings.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { causalHead, tieOutput } from '../../heads/causal-head.ts';
import { baseRoot } from '../../heads/head-name.ts';
import { tokenInput } from '../../inputs/token-inputs.ts';
import { preNorm } from '../../layers/block.ts';
import { layerNormWeights } from '../../layers/norm-weights.ts';
import { normedResidual } from '../../layers/normed-residual.ts';
import type { LayerWeights } from '../../layers/stack.ts';
import type { NormWeights } from '../../../shaders/rows/norm.ts';
import type { WeightLoader } from '../../weights/weights.ts';

/** Declares the weights of a `Bloom…` checkpoint. */
export function bloom(config: Config, loader: WeightLoader): SequenceDefinition {
  const root = baseRoot(config, loader, 'transformer.', 'ln_f.weight');
  const tokensName = `${root}word_embeddings.weight`;
  tieOutput(config, loader, tokensName, true);
  config.only('alibi', true);
  refuseSlices(config);
  const named = (name: string, old: string): string => (config.get(old) === undefined ? name : old);
  const size = config.integer(named('hidden_size', 'n_embed'));
  const heads = config.heads(named('num_attention_heads', 'n_head'), size);
  const eps = config.positive('layer_norm_epsilon', 1e-5);
  const norm = (prefix: string): NormWeights => layerNormWeights(loader, prefix, size, eps);
  const slopes = loader.computed('slopes', [heads], alibiSlopes(heads));
  const layer = (prefix: string): LayerWeights => ({
    selfAttention: {
      heads,
      interleaved: true,
      queryKeyValue: loader.linear(`${prefix}.self_attention.query_key_value`, 3 * size, size),
      output: loader.linear(`${prefix}.self_attention.dense`, size, size),
      slopes,
    },
    selfAttentionNorm: norm(`${prefix}.input_layernorm`),
    feedForward: {
      kind: 'plain',
      inner: loader.linear(`${prefix}.mlp.dense_h_to_4h`, 4 * size, size),
      outer: loader.linear(`${prefix}.mlp.dense_4h_to_h`, size, 4 * size),
      activation: 'geluTanh',
    },
    feedForwardNorm: norm(`${prefix}.post_attention_layernorm`),
  });
  const vocabulary = config.integer('vocab_size');
  const tokens = loader.matrix(tokensName, vocabulary, size);
  const isNormed = config.boolean('apply_residual_connection_post_layernorm', false);
  const count = config.layers(named('num_hidden_layers', 'n_layer'));
  return {
    ...tokenInput({
      vocabulary,
      maxPositions: Infinity,
      embeddings: { tokens, norm: norm(`${root}word_embeddings_layernorm`) },
    }),
    stack: {
      block: isNormed ? normedResidual : preNorm,
      layers: Array.from({ length: count }, (_, i) => layer(`${root}h.${i}`)),
      finalNorm: norm(`${root}ln_f`),
      normalizesLastState: true,
      dropout: {
        residual: config.rate('hidden_dropout', 0),
        attention: config.rate('attention_dropout', 0),
        activation: 0,
      },
    },
    causal: true,
    head: causalHead(config, loader, { tokens }),
  };
}

/** §3: "a geometric sequence that starts at 2^(-8/n)"; for other numbers than powers of two, with every other one between. */
function alibiSlopes(heads: number): Float32Array<ArrayBuffer> {
  const nearest = 2 ** Math.floor(Math.log2(heads));
  return Float32Array.from({ length: heads }, (_, head) =>
    head < nearest
      ? 2 ** ((-8 * (head + 1)) / nearest)
      : 2 ** ((-4 * (2 * (head - nearest) + 1)) / nearest),
  );
}

/** Products summed slice by slice, as several processes would, lose the biases in Python. */
function refuseSlices(config: Config): void {
  if (config.boolean('slow_but_exact', false) && config.integer('pretraining_tp', 1) > 1) {
    config.refuse('slow_but_exact', 'false, as nothing else is supported yet');
  }
}
