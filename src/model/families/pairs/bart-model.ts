// What BART, mBART, Pegasus and M2M-100 are put together from: embeddings with positions, layers, and the table of
// tokens again as the output layer.

import type { Config } from '../../config.ts';
import type { EncoderDecoderDefinition } from '../../definitions.ts';
import { baseRoot, headName } from '../../heads/head-name.ts';
import { type EmbeddingWeights, paddingOf } from '../../layers/embeddings.ts';
import { layerNormWeights } from '../../layers/norm-weights.ts';
import { oneLinear } from '../../weights/linear-weights.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { bartLayers, type BartVariant, tieEmbeddings } from './bart-layers.ts';
import { droppingLayers } from './layer-drop.ts';
import { textToText, type TextReading } from './text-to-text.ts';

type StackName = 'encoder' | 'decoder';

export interface BartSizes {
  readonly dModel: number;
  readonly maxPositions: number;
  /** What the names of its weights begin with. */
  readonly root: string;
}

/** What members of the family have otherwise. */
export interface BartParts extends BartVariant, TextReading {
  /** The positions of each stack. */
  readonly positions: (sizes: BartSizes) => (stack: StackName) => EmbeddingWeights['positions'];
  /** Whether a norm follows the embeddings. */
  readonly normalizesEmbeddings?: boolean;
  /** The rate at which layers are dropped in training where config.json does not say; 0 when absent. */
  readonly layerDrop?: number;
}

/** A model that writes tokens; what has no output layer of its own has the embeddings there. */
export function bartModel(
  config: Config,
  loader: WeightLoader,
  parts: BartParts,
): EncoderDecoderDefinition {
  const { positions, normalizesEmbeddings = false, layerDrop, ...others } = parts;
  const { paddingToken, inputOf, ...variant } = others;
  const root = baseRoot(config, loader, 'model.', 'encoder.layers.0.fc1.weight');
  const dModel = config.integer('d_model');
  const maxPositions = config.integer('max_position_embeddings');
  const vocabulary = config.integer('vocab_size');
  const hasOutput = headName(config) === 'ConditionalGeneration';
  const output = hasOutput ? 'lm_head.weight' : `${root}decoder.embed_tokens.weight`;
  tieEmbeddings(config, loader, root, output);
  const placed = positions({ dModel, maxPositions, root });
  const embeddings = (stack: StackName): EmbeddingWeights => ({
    tokens: loader.matrix(`${root}${stack}.embed_tokens.weight`, vocabulary, dModel),
    padding: paddingOf(config, 1),
    scale: config.boolean('scale_embedding', false) ? Math.sqrt(dModel) : 1,
    positions: placed(stack),
    norm: normalizesEmbeddings
      ? layerNormWeights(loader, `${root}${stack}.layernorm_embedding`, dModel)
      : undefined,
    dropout: config.rate('dropout', 0.1),
  });
  const [source, target] = [embeddings('encoder'), embeddings('decoder')];
  const { encoder, decoder } = bartLayers(config, loader, root, variant);
  return textToText(
    { sourceVocabulary: vocabulary, targetVocabulary: vocabulary, maxPositions },
    {
      source,
      target,
      encoder: droppingLayers(config, 'encoder', encoder, layerDrop),
      decoder: droppingLayers(config, 'decoder', decoder, layerDrop),
      output: oneLinear(
        'lm_head',
        loader.matrix(output, vocabulary, dModel),
        loader.constant('final_logits_bias', [1, vocabulary]),
      ),
    },
    { paddingToken, inputOf },
  );
}
