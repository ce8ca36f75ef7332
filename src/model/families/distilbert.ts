// DistilBERT (Sanh et al., 2019, arXiv 1910.01108): half of BERT's layers, without segments and pooler.

import { layerNormWeights } from './bart-layers.ts';
import { maskedLanguageHead, tieMaskedHead, tokenHead } from './bert-layers.ts';
import { headName, labelCount } from '../heads/head-name.ts';
import type { Config } from '../config.ts';
import type { Head, SequenceDefinition } from '../definitions.ts';
import { sinusoidalPositions } from '../layers/positional-encoding.ts';
import type { WeightLoader } from '../weights/weights.ts';
import type { LayerWeights } from '../layers/stack.ts';
import { postNorm } from '../layers/block.ts';

/** PyTorch's own would be 1e-5; DistilBERT keeps BERT's. */
const eps = 1e-12;

const maskedNames = {
  dense: 'vocab_transform',
  norm: 'vocab_layer_norm',
  decoder: 'vocab_projector',
  bias: 'vocab_projector.bias',
};

/** Declares the weights of a `DistilBert…` checkpoint, the head as `architectures` says. */
export function distilbert(config: Config, loader: WeightLoader): SequenceDefinition {
  const root = loader.root(['distilbert.', ''], 'embeddings.LayerNorm.weight');
  if (headName(config) === 'MaskedLM') tieMaskedHead(config, loader, root, maskedNames);
  const size = config.integer('dim');
  const width = config.integer('hidden_dim');
  const heads = config.heads('n_heads', size);
  const activation = config.activation('activation', 'gelu');
  const vocabulary = config.integer('vocab_size');
  const maxPositions = config.integer('max_position_embeddings');
  const rate = config.rate('dropout', 0.1);
  const norm = (prefix: string) => layerNormWeights(loader, prefix, size, eps);
  const layer = (prefix: string): LayerWeights => ({
    selfAttention: {
      heads,
      queryKeyValue: loader.linear(
        ['q_lin', 'k_lin', 'v_lin'].map((name) => `${prefix}.attention.${name}`),
        size,
        size,
      ),
      output: loader.linear(`${prefix}.attention.out_lin`, size, size),
    },
    selfAttentionNorm: norm(`${prefix}.sa_layer_norm`),
    feedForward: {
      kind: 'plain',
      inner: loader.linear(`${prefix}.ffn.lin1`, width, size),
      outer: loader.linear(`${prefix}.ffn.lin2`, size, width),
      activation,
    },
    feedForwardNorm: norm(`${prefix}.output_layer_norm`),
  });
  const positions = `${root}embeddings.position_embeddings.weight`;
  const embeddings = {
    tokens: loader.matrix(`${root}embeddings.word_embeddings.weight`, vocabulary, size),
    positions: {
      table: loader.has(positions)
        ? loader.matrix(positions, maxPositions, size, { dtype: 'f32' })
        : loader.computed(
            'positions',
            [maxPositions, size],
            sinusoidalPositions(maxPositions, size),
          ),
    },
    norm: norm(`${root}embeddings.LayerNorm`),
    dropout: rate,
  };
  return {
    vocabulary,
    maxPositions,
    types: 0,
    embeddings,
    stack: {
      block: postNorm,
      layers: Array.from({ length: config.layers('n_layers') }, (_, i) =>
        layer(`${root}transformer.layer.${i}`),
      ),
      dropout: {
        residual: rate,
        attention: config.rate('attention_dropout', 0.1),
        activation: 0,
      },
    },
    causal: false,
    head: headOf(config, loader, { embeddings, vocabulary }),
  };
}

function headOf(
  config: Config,
  loader: WeightLoader,
  encoder: Pick<SequenceDefinition, 'embeddings' | 'vocabulary'>,
): Head | undefined {
  const name = headName(config);
  const size = encoder.embeddings.tokens.size(1);
  if (name === 'Model') return undefined;
  if (name === 'SequenceClassification') {
    const dense = loader.linear('pre_classifier', size, size);
    const output = loader.linear('classifier', labelCount(config), size);
    const layers = [{ linear: dense, activation: 'relu' } as const, { linear: output }];
    return { kind: 'sequence', from: 'first', layers };
  }
  if (name === 'MaskedLM') {
    const activation = config.activation('activation', 'gelu');
    return maskedLanguageHead(loader, encoder, maskedNames, { activation, eps });
  }
  return tokenHead(name, config, loader, size) ?? config.refuse('architectures');
}
