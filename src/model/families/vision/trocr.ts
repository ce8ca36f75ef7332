// TrOCR (Li et al., 2021, arXiv 2109.10282): a decoder like BART's that reads what an encoder sees in an image, §3.3.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import type { Labels } from '../../heads/head.ts';
import { LanguageHead } from '../../heads/language-head.ts';
import { tokenLabels } from '../../heads/token-labels.ts';
import type { CheckedInput } from '../../inputs/input-stage.ts';
import { tokenInput } from '../../inputs/token-inputs.ts';
import { layerNormWeights } from '../../layers/norm-weights.ts';
import { tensor2tensorPositions } from '../../layers/tensor2tensor-positions.ts';
import type { ModelInputs } from '../../model.ts';
import { oneLinear } from '../../weights/linear-weights.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { bartStacks } from '../pairs/bart-layers.ts';
import { droppingLayers } from '../pairs/layer-drop.ts';

/** Rows of the table of learned positions before that of position 0. */
const offset = 2;

/** Labels are the tokens that follow, each at the place that it is said at: Python does not shift them here. */
class NextTokenHead extends LanguageHead {
  override labels({ labels }: ModelInputs, { ids }: CheckedInput): Labels | undefined {
    if (labels === undefined) return undefined;
    return { classes: tokenLabels(labels, this.output.weight.size(0), { ids }) };
  }
}

/** Declares the weights of a `TrOCRForCausalLM`, which trains without what it attends to an encoder by. */
export function trocr(config: Config, loader: WeightLoader): SequenceDefinition {
  if (!loader.trains) return trocrDecoder(config, loader);
  const size = config.integer('d_model');
  const memory = config.integer('cross_attention_hidden_size', size);
  for (let layer = 0; layer < config.layers('decoder_layers'); layer++) {
    keepCross(loader, `model.decoder.layers.${layer}.encoder_attn`, size, memory);
  }
  return trocrDecoder(config, loader, false);
}

/** Keeps the attention to an encoder as the checkpoint has it, for what is saved. */
function keepCross(loader: WeightLoader, prefix: string, size: number, memory: number): void {
  for (const [name, columns] of [
    ['q_proj', size],
    ['k_proj', memory],
    ['v_proj', memory],
    ['out_proj', size],
  ] as const) {
    const weight = `${prefix}.${name}.weight`;
    loader.fixed(weight, [size, columns], () => new Float32Array(size * columns));
    loader.constant(`${prefix}.${name}.bias`, [size]);
  }
  loader.constant(`${prefix}_layer_norm.weight`, [size]);
  loader.constant(`${prefix}_layer_norm.bias`, [size]);
}

/** The same as the decoder of a model that sees. `crosses`: whether it attends to an encoder. */
export function trocrDecoder(
  config: Config,
  loader: WeightLoader,
  crosses = true,
): SequenceDefinition {
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
    stack: droppingLayers(config, 'decoder', stack('decoder', crosses)),
    causal: true,
    head: new NextTokenHead(
      oneLinear('output_projection', loader.matrix(output, vocabulary, size)),
    ),
  };
}
