// BART (Lewis et al., 2019, arXiv 1910.13461): the paper's post-norm Transformer with GELU, learned
// positions, and norms after the embeddings.

import { baseRoot, headName, labelCount } from '../heads/head-name.ts';
import { bartLayers, layerNormWeights, tieEmbeddings } from './bart-layers.ts';
import type { Config } from '../config.ts';
import type { EncoderDecoderDefinition, SequenceClassifier } from '../definitions.ts';
import type { EmbeddingWeights } from '../layers/embeddings.ts';
import { oneLinear } from '../weights/linear-weights.ts';
import type { WeightLoader } from '../weights/weights.ts';

/** Rows of the position tables before that of position 0. */
const offset = 2;

/**
 * Declares the weights of a `Bart…` checkpoint, the head as `architectures` says. A `BartModel` has the
 * embeddings as its output layer, and so has one that classifies.
 */
export function bart(config: Config, loader: WeightLoader): EncoderDecoderDefinition {
  const head = headName(config);
  if (!['ConditionalGeneration', 'SequenceClassification', 'Model'].includes(head)) {
    config.refuse('architectures');
  }
  config.only('normalize_before', false);
  config.only('normalize_embedding', true);
  config.only('add_final_layer_norm', false);
  config.only('static_position_embeddings', false);

  const root = baseRoot(config, loader, 'model.', 'encoder.layers.0.fc1.weight');
  const dModel = config.integer('d_model');
  const maxPositions = config.integer('max_position_embeddings');
  const vocabulary = config.integer('vocab_size');
  const hasOutput = head === 'ConditionalGeneration';
  const output = hasOutput ? 'lm_head.weight' : `${root}decoder.embed_tokens.weight`;
  tieEmbeddings(config, loader, root, output);
  const embeddings = (stack: 'encoder' | 'decoder'): EmbeddingWeights => ({
    tokens: loader.matrix(`${root}${stack}.embed_tokens.weight`, vocabulary, dModel),
    scale: config.boolean('scale_embedding', false) ? Math.sqrt(dModel) : 1,
    positions: {
      table: loader.matrix(
        `${root}${stack}.embed_positions.weight`,
        maxPositions + offset,
        dModel,
        { dtype: 'f32' },
      ),
      offset,
    },
    norm: layerNormWeights(loader, `${root}${stack}.layernorm_embedding`, dModel),
    dropout: config.rate('dropout', 0.1),
  });
  const { encoder, decoder } = bartLayers(config, loader, root);
  return {
    shape: { sourceVocabulary: vocabulary, targetVocabulary: vocabulary, maxPositions },
    weights: {
      source: embeddings('encoder'),
      target: embeddings('decoder'),
      encoder,
      decoder,
      output: oneLinear(
        'lm_head',
        loader.matrix(output, vocabulary, dModel),
        loader.constant('final_logits_bias', [1, vocabulary]),
      ),
    },
    repeatToken: config.integer('decoder_start_token_id', 2, 0),
    ...(head === 'SequenceClassification' && { classifier: classifier(config, loader, dModel) }),
  };
}

function classifier(config: Config, loader: WeightLoader, size: number): SequenceClassifier {
  const dense = loader.linear('classification_head.dense', size, size);
  const output = loader.linear('classification_head.out_proj', labelCount(config), size);
  return {
    endToken: config.integer('eos_token_id', 2, 0),
    layers: [{ linear: dense, activation: 'tanh' }, { linear: output }],
  };
}
