// BART (Lewis et al., 2019, arXiv 1910.13461): the paper's post-norm Transformer with GELU, learned
// positions, and norms after the embeddings.

import { TransformerError } from '../../runtime/errors.ts';
import type { ChooseToken } from '../heads/head.ts';
import { baseRoot, headName, labelCount } from '../heads/head-name.ts';
import { bartLayers, tieEmbeddings } from './bart-layers.ts';
import type { Config } from '../config.ts';
import type { EncoderDecoderDefinition } from '../definitions.ts';
import { SequenceHead } from '../heads/sequence-head.ts';
import type { EmbeddingWeights } from '../layers/embeddings.ts';
import { sameShape } from '../inputs/inputs.ts';
import { layerNormWeights } from '../layers/norm-weights.ts';
import { textToText } from './text-to-text.ts';
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
  const weights = {
    source: embeddings('encoder'),
    target: embeddings('decoder'),
    encoder,
    decoder,
    output: oneLinear(
      'lm_head',
      loader.matrix(output, vocabulary, dModel),
      loader.constant('final_logits_bias', [1, vocabulary]),
    ),
  };
  const shape = { sourceVocabulary: vocabulary, targetVocabulary: vocabulary, maxPositions };
  return {
    ...textToText(shape, weights),
    repeatToken: config.integer('decoder_start_token_id', 2, 0),
    ...(head === 'SequenceClassification' && { head: classifier(config, loader, dModel) }),
  };
}

/** Of the decoder's state at the last end token of a target like the source. */
function classifier(config: Config, loader: WeightLoader, size: number): SequenceHead {
  const dense = loader.linear('classification_head.dense', size, size);
  const output = loader.linear('classification_head.out_proj', labelCount(config), size);
  const layers = [{ linear: dense, activation: 'tanh' } as const, { linear: output }];
  return new SequenceHead(config, layers, lastEndToken(config.integer('eos_token_id', 2, 0)));
}

/**
 * The place of each source's last end token, in a target of the same shape; as in Hugging Face, all sources
 * must have as many of them.
 */
function lastEndToken(endToken: number): ChooseToken {
  return ({ ids: target }, source) => {
    const ids = source?.ids;
    if (target === undefined || ids === undefined) throw new RangeError('no token to choose');
    sameShape('decoderInputIds', target, ids, 'inputIds');
    const counts = ids.rows.map((row) => row.filter((id) => id === endToken).length);
    const wrong = counts.findIndex((count) => count === 0 || count !== counts[0]);
    if (wrong < 0) return ids.rows.map((row) => row.lastIndexOf(endToken));
    throw new TransformerError(
      'INPUT_INVALID',
      `inputIds[${wrong}] has ${counts[wrong]} end tokens (${endToken}); wanted as many in each ` +
        `sequence, and at least one. The first has ${counts[0]}.`,
    );
  };
}
