// The layers and heads that BERT and RoBERTa have in common, by the names that Hugging Face gives them.

import { layerNormWeights } from './bart-layers.ts';
import type { Config } from '../config.ts';
import type { Head, HeadLayer, SequenceDefinition } from '../definitions.ts';
import { headName, labelCount } from '../heads/head-name.ts';
import type { WeightLoader } from '../weights/weights.ts';
import type { LayerWeights, StackWeights } from '../layers/stack.ts';
import { postNorm } from '../layers/block.ts';

/** The embeddings and layers of an encoder below `root`, and its pooler where it has or needs one. */
export function bertEncoder(
  config: Config,
  loader: WeightLoader,
  root: string,
  needsPooler: boolean = false,
): Pick<SequenceDefinition, 'vocabulary' | 'types' | 'embeddings' | 'stack' | 'causal' | 'pooler'> {
  config.only('is_decoder', false);
  config.only('add_cross_attention', false);
  if (config.string('position_embedding_type', 'absolute') !== 'absolute') {
    config.refuse('position_embedding_type');
  }
  const size = config.integer('hidden_size');
  const width = config.integer('intermediate_size');
  const heads = config.heads('num_attention_heads', size);
  const activation = config.activation('hidden_act', 'gelu');
  const eps = config.number('layer_norm_eps', 1e-12);
  const vocabulary = config.integer('vocab_size');
  const positions = config.integer('max_position_embeddings');
  const types = config.integer('type_vocab_size', 2, 0);
  const rate = config.rate('hidden_dropout_prob', 0.1);
  const norm = (prefix: string) => layerNormWeights(loader, `${prefix}.LayerNorm`, size, eps);
  const layer = (prefix: string): LayerWeights => ({
    selfAttention: {
      heads,
      queryKeyValue: loader.linear(
        ['query', 'key', 'value'].map((name) => `${prefix}.attention.self.${name}`),
        size,
        size,
      ),
      output: loader.linear(`${prefix}.attention.output.dense`, size, size),
    },
    selfAttentionNorm: norm(`${prefix}.attention.output`),
    feedForward: {
      kind: 'plain',
      inner: loader.linear(`${prefix}.intermediate.dense`, width, size),
      outer: loader.linear(`${prefix}.output.dense`, size, width),
      activation,
    },
    feedForwardNorm: norm(`${prefix}.output`),
  });
  const table = (name: string): string => `${root}embeddings.${name}_embeddings.weight`;
  const stack: StackWeights = {
    block: postNorm,
    layers: Array.from({ length: config.layers('num_hidden_layers') }, (_, i) =>
      layer(`${root}encoder.layer.${i}`),
    ),
    dropout: {
      residual: rate,
      attention: config.rate('attention_probs_dropout_prob', 0.1),
      activation: 0,
    },
  };
  const pooled = ['Model', 'SequenceClassification'].includes(headName(config)) || !loader.trains;
  const pooler: HeadLayer | undefined =
    needsPooler || (pooled && loader.has(`${root}pooler.dense.weight`))
      ? { linear: loader.linear(`${root}pooler.dense`, size, size), activation: 'tanh' }
      : undefined;
  return {
    vocabulary,
    types,
    embeddings: {
      tokens: loader.matrix(table('word'), vocabulary, size),
      positions: { table: loader.matrix(table('position'), positions, size, { dtype: 'f32' }) },
      types: types === 0 ? undefined : loader.matrix(table('token_type'), types, size),
      norm: norm(`${root}embeddings`),
      dropout: rate,
    },
    stack,
    causal: false,
    pooler,
  };
}

/** Heads that are one linear layer over every token: token classification, question answering. */
export function tokenHead(
  name: string,
  config: Config,
  loader: WeightLoader,
  size: number,
): Head | undefined {
  if (name === 'TokenClassification') {
    return {
      kind: 'token',
      layers: [{ linear: loader.linear('classifier', labelCount(config), size) }],
    };
  }
  if (name === 'QuestionAnswering') {
    return { kind: 'span', layers: [{ linear: loader.linear('qa_outputs', 2, size) }] };
  }
  return undefined;
}

/** What the parts of a masked language model's head are called. */
export interface MaskedHeadNames {
  readonly dense: string;
  readonly norm: string;
  readonly decoder: string;
  readonly bias: string;
}

/**
 * Ties the output layer of a masked language model to the token embeddings, where config.json says so, and
 * the two names of its bias, before any of them is declared.
 */
export function tieMaskedHead(
  config: Config,
  loader: WeightLoader,
  root: string,
  { decoder, bias }: MaskedHeadNames,
): void {
  const tied = config.boolean('tie_word_embeddings', true);
  if (tied) loader.tie(`${root}embeddings.word_embeddings.weight`, `${decoder}.weight`);
  if (tied || !loader.has(`${decoder}.bias`)) loader.tie(bias, `${decoder}.bias`);
}

/** The head of a masked language model: a layer, its norm, and the token embeddings again. */
export function maskedLanguageHead(
  loader: WeightLoader,
  { embeddings, vocabulary }: Pick<SequenceDefinition, 'embeddings' | 'vocabulary'>,
  names: MaskedHeadNames,
  settings: { readonly activation: HeadLayer['activation']; readonly eps: number },
): Head {
  const size = embeddings.tokens.size(1);
  const { activation = 'gelu', eps } = settings;
  return {
    kind: 'maskedLanguage',
    layers: [
      {
        linear: loader.linear(names.dense, size, size),
        activation,
        norm: layerNormWeights(loader, names.norm, size, eps),
      },
      { linear: loader.linear(names.decoder, vocabulary, size) },
    ],
  };
}
