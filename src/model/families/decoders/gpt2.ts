// GPT-2 (Radford et al., 2019, "Language Models are Unsupervised Multitask Learners", §2.3): a pre-norm
// decoder with learned positions, a norm after the last layer, and weights stored (in, out).

import { causalHead, tieOutput } from '../../heads/causal-head.ts';
import { baseRoot } from '../../heads/head-name.ts';
import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { tokenInput } from '../../inputs/token-inputs.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import type { HeadOptions } from '../../layers/attention.ts';
import type { EmbeddingWeights } from '../../layers/embeddings.ts';
import type { LayerWeights } from '../../layers/stack.ts';
import type { NormWeights } from '../../../shaders/rows/norm.ts';
import { layerNormWeights } from '../../layers/norm-weights.ts';
import { preNorm } from '../../layers/block.ts';

/** Declares the weights of a `GPT2…` checkpoint, the head as `architectures` says. */
export function gpt2(config: Config, loader: WeightLoader): SequenceDefinition {
  return declare(config, loader, false);
}

/** Declares the weights of a `GPT2LMHeadModel` that attends to what an encoder gives. */
export function gpt2Decoder(config: Config, loader: WeightLoader): SequenceDefinition {
  return declare(config, loader, true);
}

function declare(config: Config, loader: WeightLoader, crosses: boolean): SequenceDefinition {
  const root = baseRoot(config, loader, 'transformer.', 'wpe.weight');
  tieOutput(config, loader, `${root}wte.weight`, true);
  const size = config.integer('n_embd');
  const eps = config.positive('layer_norm_epsilon', 1e-5);
  const { embeddings, ...definition } = gpt2Stack(config, loader, {
    root,
    norm: (prefix) => layerNormWeights(loader, prefix, size, eps),
    activation: 'gelu_new',
    crosses,
  });
  return {
    ...definition,
    ...tokenInput({ ...definition, embeddings }),
    head: causalHead(config, loader, embeddings),
  };
}

/** What kin of GPT-2 has otherwise. */
export interface Gpt2Variant {
  readonly root: string;
  readonly norm: (prefix: string) => NormWeights;
  /** Where config.json says nothing. */
  readonly activation: string;
  /** Whether its layers attend to an encoder's vectors too. */
  readonly crosses: boolean;
}

/** The embeddings and layers, without what they begin with and without a head. */
export function gpt2Stack(
  config: Config,
  loader: WeightLoader,
  { root, norm, activation: usual, crosses }: Gpt2Variant,
): Omit<SequenceDefinition, 'input'> & { readonly embeddings: EmbeddingWeights } {
  config.only('add_cross_attention', crosses);
  const size = config.integer('n_embd');
  const width = config.integer('n_inner', 4 * size);
  const heads = config.heads('n_head', size);
  const activation = config.activation('activation_function', usual);
  const vocabulary = config.integer('vocab_size');
  const maxPositions = config.integer('n_positions');
  const residualRate = config.rate('resid_pdrop', 0.1);
  const conv1d = (prefix: string, out: number, input: number) =>
    loader.linear(prefix, out, input, { transposed: true });
  const scaleOf = attentionScale(config, size / heads);
  const layer = (prefix: string, index: number): LayerWeights => ({
    selfAttention: {
      heads,
      queryKeyValue: conv1d(`${prefix}.attn.c_attn`, 3 * size, size),
      output: conv1d(`${prefix}.attn.c_proj`, size, size),
      ...scaleOf(index),
    },
    selfAttentionNorm: norm(`${prefix}.ln_1`),
    ...(crosses && {
      crossAttention: {
        heads,
        query: conv1d(`${prefix}.crossattention.q_attn`, size, size),
        keyValue: conv1d(`${prefix}.crossattention.c_attn`, 2 * size, size),
        output: conv1d(`${prefix}.crossattention.c_proj`, size, size),
        ...scaleOf(index),
      },
      crossAttentionNorm: norm(`${prefix}.ln_cross_attn`),
    }),
    feedForward: {
      kind: 'plain',
      inner: conv1d(`${prefix}.mlp.c_fc`, width, size),
      outer: conv1d(`${prefix}.mlp.c_proj`, size, width),
      activation,
    },
    feedForwardNorm: norm(`${prefix}.ln_2`),
  });
  const tokens = loader.matrix(`${root}wte.weight`, vocabulary, size);
  const positions = loader.matrix(`${root}wpe.weight`, maxPositions, size, { dtype: 'f32' });
  const embeddings = {
    tokens,
    positions: { table: positions },
    dropout: config.rate('embd_pdrop', 0.1),
  };
  return {
    vocabulary,
    maxPositions,
    embeddings,
    stack: {
      block: preNorm,
      layers: Array.from({ length: config.layers('n_layer') }, (_, i) => layer(`${root}h.${i}`, i)),
      finalNorm: norm(`${root}ln_f`),
      normalizesLastState: true,
      dropout: {
        residual: residualRate,
        attention: config.rate('attn_pdrop', 0.1),
        activation: 0,
      },
    },
    causal: true,
  };
}

/** The factor of the scores of a layer, where that is not 1/√d_k (Mistral's GPT-2s divide it by the layer's number). */
export function attentionScale(
  config: Config,
  headSize: number,
): (layer: number) => Pick<HeadOptions, 'scale'> {
  const divides = config.boolean('scale_attn_by_inverse_layer_idx', false);
  const scale = config.boolean('scale_attn_weights', true) ? 1 / Math.sqrt(headSize) : 1;
  if (!divides && scale !== 1) return () => ({});
  return (layer) => ({ scale: divides ? scale / (layer + 1) : scale });
}
