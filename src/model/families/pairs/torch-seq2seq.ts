// A translator around PyTorch's nn.Transformer, as its tutorials build it: token embeddings times
// √d_model plus sinusoidal positions, the stacks, and an output layer ("generator").
// config.json holds `"kind": "seq2seq training run"` and the sizes under `model`.

import type { Config } from '../../config.ts';
import type { EncoderDecoderDefinition } from '../../definitions.ts';
import { sinusoidalPositions } from '../../layers/positional-encoding.ts';
import { textToText } from './text-to-text.ts';
import { torchTransformer } from './torch-transformer.ts';
import { oneLinear } from '../../weights/linear-weights.ts';
import type { WeightLoader } from '../../weights/weights.ts';

/** Positions are computed, not stored, so any number will do. */
const maxPositions = 1024;

/** Declares the weights of the module's state dict. */
export function torchSeq2Seq(config: Config, loader: WeightLoader): EncoderDecoderDefinition {
  const model = config.section('model');
  const { dModel, encoder, decoder } = torchTransformer(model, loader, 'transformer.');
  const sourceVocabulary = model.integer('src_vocab');
  const targetVocabulary = model.integer('tgt_vocab');
  const targetEmbedding = loader.matrix('tgt_embed.weight', targetVocabulary, dModel);
  const table = sinusoidalPositions(maxPositions, dModel);
  const positions = { table: loader.computed('positions', [maxPositions, dModel], table) };
  const shape = { sourceVocabulary, targetVocabulary, maxPositions };
  return textToText(shape, {
    source: {
      tokens: loader.matrix('src_embed.weight', sourceVocabulary, dModel),
      scale: Math.sqrt(dModel),
      positions,
    },
    target: { tokens: targetEmbedding, scale: Math.sqrt(dModel), positions },
    encoder,
    decoder,
    output: oneLinear(
      'generator',
      model.boolean('tie', false)
        ? targetEmbedding
        : loader.matrix('generator.weight', targetVocabulary, dModel),
      loader.vector('generator.bias', targetVocabulary),
    ),
  });
}
