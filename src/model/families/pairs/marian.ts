// Marian (Junczys-Dowmunt et al., 2018, arXiv 1804.00344) in Hugging Face's layout: the paper's
// post-norm Transformer with sinusoidal positions in halves, tied embeddings and a logits bias.

import { paddingOf } from '../../layers/embeddings.ts';
import { baseRoot, headName } from '../../heads/head-name.ts';
import { bartLayers, tieEmbeddings } from './bart-layers.ts';
import type { Config } from '../../config.ts';
import type { EncoderDecoderDefinition } from '../../definitions.ts';
import { sinusoidalPositions } from '../../layers/positional-encoding.ts';
import { droppingLayers } from './layer-drop.ts';
import { textToText } from './text-to-text.ts';
import { oneLinear } from '../../weights/linear-weights.ts';
import type { WeightLoader } from '../../weights/weights.ts';

/** Declares the weights of a `MarianMTModel` checkpoint, or of a `MarianModel`, which it can be made of. */
export function marian(config: Config, loader: WeightLoader): EncoderDecoderDefinition {
  if (!['MTModel', 'Model'].includes(headName(config))) config.refuse('architectures');
  // Hugging Face's implementation knows only these settings and ignores the fields otherwise.
  config.only('normalize_before', false);
  config.only('normalize_embedding', false);
  config.only('add_final_layer_norm', false);
  config.only('static_position_embeddings', true);

  const dModel = config.integer('d_model');
  const maxPositions = config.integer('max_position_embeddings');
  const sourceVocabulary = config.integer('vocab_size');
  const targetVocabulary = config.integer('decoder_vocab_size', sourceVocabulary);
  const shared = config.boolean('share_encoder_decoder_embeddings', true);
  const root = baseRoot(config, loader, 'model.', 'encoder.layers.0.fc1.weight');
  const output = 'lm_head.weight';
  if (shared) tieEmbeddings(config, loader, root, output);
  else if (config.boolean('tie_word_embeddings', true)) {
    loader.tie(`${root}decoder.embed_tokens.weight`, output);
  }
  const tokens = (stack: string, size: number) =>
    loader.matrix(`${root}${stack}.embed_tokens.weight`, size, dModel);
  const sourceTokens = tokens('encoder', sourceVocabulary);
  const targetTokens = tokens('decoder', targetVocabulary);
  const embeddings = {
    padding: paddingOf(config),
    scale: config.boolean('scale_embedding', false) ? dModel ** 0.5 : 1,
    dropout: config.rate('dropout', 0.1),
    positions: {
      table: loader.computed(
        'positions',
        [maxPositions, dModel],
        sinusoidalPositions(maxPositions, dModel, 'halves'),
      ),
    },
  };
  const weight = loader.matrix(output, targetVocabulary, dModel);
  const { encoder, decoder } = bartLayers(config, loader, root);
  const shape = { sourceVocabulary, targetVocabulary, maxPositions };
  return textToText(shape, {
    source: { ...embeddings, tokens: sourceTokens },
    target: { ...embeddings, tokens: targetTokens },
    encoder: droppingLayers(config, 'encoder', encoder),
    decoder: droppingLayers(config, 'decoder', decoder),
    output: oneLinear(
      'lm_head',
      weight,
      loader.constant('final_logits_bias', [1, targetVocabulary]),
    ),
  });
}
