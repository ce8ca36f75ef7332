// TrOCR (Li et al., 2021, arXiv 2109.10282): a decoder like BART's that reads what an encoder sees in an image, §3.3.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { LanguageHead } from '../../heads/language-head.ts';
import { tokenInput } from '../../inputs/token-inputs.ts';
import { layerNormWeights } from '../../layers/norm-weights.ts';
import { tensor2tensorPositions } from '../../layers/tensor2tensor-positions.ts';
import { oneLinear } from '../../weights/linear-weights.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { bartStacks } from '../pairs/bart-layers.ts';
import { droppingLayers } from '../pairs/layer-drop.ts';

/** Rows of the table of learned positions before that of position 0. */
const offset = 2;

/** Declares the weights of a `TrOCRForCausalLM`. */
export function trocr(config: Config, loader: WeightLoader): SequenceDefinition {
  const size = config.integer('d_model');
  const vocabulary = config.integer('vocab_size');
  const maxPositions = config.integer('max_position_embeddings');
  const padding = config.integer('pad_token_id', 1, 0);
  config.boolean('add_cross_attention', true); // Its layers have it, whatever stands there.
  const root = 'model.decoder.';
  const [embedded, output] = [`${root}embed_tokens.weight`, 'output_projection.weight'];
  if (config.boolean('tie_word_embeddings', true)) loader.tie(embedded, output);
  const memory = config.integer('cross_attention_hidden_size', size);
  const { stack } = bartStacks(config, loader, 'model.', { memory });
  const positions = config.boolean('use_learned_position_embeddings', true)
    ? {
        table: loader.matrix(`${root}embed_positions.weight`, maxPositions + offset, size, {
          dtype: 'f32',
        }),
        offset,
      }
    : {
        table: loader.computed(
          'sinusoidal positions',
          [maxPositions + padding + 1, size],
          tensor2tensorPositions(maxPositions + padding + 1, size),
        ),
        offset: padding + 1,
      };
  const embeddings = {
    tokens: loader.matrix(embedded, vocabulary, size),
    padding,
    scale: config.boolean('scale_embedding', false) ? Math.sqrt(size) : 1,
    positions,
    norm: config.boolean('layernorm_embedding', true)
      ? layerNormWeights(loader, `${root}layernorm_embedding`, size)
      : undefined,
    dropout: config.rate('dropout', 0.1),
  };
  return {
    ...tokenInput({ vocabulary, maxPositions, embeddings }),
    stack: droppingLayers(config, 'decoder', stack('decoder')),
    causal: true,
    head: new LanguageHead(oneLinear('output_projection', loader.matrix(output, vocabulary, size))),
  };
}
