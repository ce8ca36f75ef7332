// DistilBERT (Sanh et al., 2019, arXiv 1910.01108): half of BERT's layers, without segments and pooler.

import { paddingOf } from '../../layers/embeddings.ts';
import { bertLayer, type BertLayerNames } from './bert-layers.ts';
import { encoderHead, type HeadNames } from '../../heads/encoder-heads.ts';
import { baseRoot, headName } from '../../heads/head-name.ts';
import { tieMaskedHead } from '../../heads/masked-head.ts';
import { firstToken } from '../../heads/head.ts';
import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { tokenInput } from '../../inputs/token-inputs.ts';
import { layerNormWeights } from '../../layers/norm-weights.ts';
import { sinusoidalPositions } from '../../layers/positional-encoding.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { postNorm } from '../../layers/block.ts';

/** PyTorch's own would be 1e-5; DistilBERT keeps BERT's. */
const eps = 1e-12;

const names: HeadNames = {
  masked: {
    dense: 'vocab_transform',
    norm: 'vocab_layer_norm',
    decoder: 'vocab_projector',
    bias: 'vocab_projector.bias',
    activation: (config) => config.activation('activation', 'gelu'),
    eps: () => eps,
  },
  sequence: { dense: ['pre_classifier', 'relu'], output: 'classifier', choose: firstToken },
};

const layerNames: BertLayerNames = {
  queryKeyValue: ['attention.q_lin', 'attention.k_lin', 'attention.v_lin'],
  output: 'attention.out_lin',
  outputNorm: 'sa_layer_norm',
  inner: 'ffn.lin1',
  outer: 'ffn.lin2',
  norm: 'output_layer_norm',
};

/** Declares the weights of a `DistilBert…` checkpoint, the head as `architectures` says. */
export function distilbert(config: Config, loader: WeightLoader): SequenceDefinition {
  const root = baseRoot(config, loader, 'distilbert.', 'embeddings.LayerNorm.weight');
  const head = headName(config);
  if (head === 'MaskedLM') tieMaskedHead(config, loader, root, names.masked);
  const size = config.integer('dim');
  const width = config.integer('hidden_dim');
  const heads = config.heads('n_heads', size);
  const activation = config.activation('activation', 'gelu');
  const vocabulary = config.integer('vocab_size');
  const maxPositions = config.integer('max_position_embeddings');
  const rate = config.rate('dropout', 0.1);
  const sizes = { size, width, heads, activation, eps };
  const positions = `${root}embeddings.position_embeddings.weight`;
  const embeddings = {
    tokens: loader.matrix(`${root}embeddings.word_embeddings.weight`, vocabulary, size),
    padding: paddingOf(config, 0),
    positions: {
      table: loader.has(positions)
        ? loader.matrix(positions, maxPositions, size, { dtype: 'f32' })
        : loader.computed(
            'positions',
            [maxPositions, size],
            sinusoidalPositions(maxPositions, size),
          ),
    },
    norm: layerNormWeights(loader, `${root}embeddings.LayerNorm`, size, eps),
    dropout: rate,
  };
  return {
    ...tokenInput({ vocabulary, maxPositions, embeddings }),
    stack: {
      block: postNorm,
      layers: Array.from({ length: config.layers('n_layers') }, (_, i) =>
        bertLayer(loader, `${root}transformer.layer.${i}`, sizes, layerNames),
      ),
      dropout: {
        residual: rate,
        attention: config.rate('attention_dropout', 0.1),
        activation: 0,
      },
    },
    causal: false,
    head: encoderHead(head, { config, loader, size, vocabulary, names }),
  };
}
