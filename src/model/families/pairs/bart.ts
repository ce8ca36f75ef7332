// BART (Lewis et al., 2019, arXiv 1910.13461): the paper's post-norm Transformer with GELU, learned
// positions, and norms after the embeddings.

import type { Config } from '../../config.ts';
import type { EncoderDecoderDefinition } from '../../definitions.ts';
import { headName } from '../../heads/head-name.ts';
import { movedRight } from '../../inputs/encoder-decoder-inputs.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { bartClassifier } from './bart-classifier.ts';
import { bartModel, type BartParts } from './bart-model.ts';

/**
 * Declares the weights of a `Bart…` checkpoint, the head as `architectures` says. A `BartModel` has the
 * embeddings as its output layer, and so has one that classifies.
 */
export function bart(config: Config, loader: WeightLoader): EncoderDecoderDefinition {
  config.only('normalize_before', false);
  config.only('normalize_embedding', true);
  config.only('add_final_layer_norm', false);
  config.only('static_position_embeddings', false);
  const start = config.integer('decoder_start_token_id', 2, 0);
  return { ...learnedBart(config, loader), repeat: (source) => movedRight(source, start) };
}

/** Rows of the position tables before that of position 0. */
const offset = 2;

/** BART with what `parts` change in it. */
export function learnedBart(
  config: Config,
  loader: WeightLoader,
  parts: Omit<BartParts, 'positions'> = {},
): EncoderDecoderDefinition {
  const head = headName(config);
  if (!['ConditionalGeneration', 'SequenceClassification', 'Model'].includes(head)) {
    config.refuse('architectures');
  }
  const model = bartModel(config, loader, {
    normalizesEmbeddings: true,
    positions:
      ({ root, maxPositions, dModel }) =>
      (stack) => ({
        table: loader.matrix(
          `${root}${stack}.embed_positions.weight`,
          maxPositions + offset,
          dModel,
          { dtype: 'f32' },
        ),
        offset,
      }),
    ...parts,
  });
  if (head !== 'SequenceClassification') return model;
  return { ...model, head: bartClassifier(config, loader) };
}
