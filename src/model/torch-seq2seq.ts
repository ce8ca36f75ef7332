// A translator around PyTorch's nn.Transformer, as its tutorials build it: token embeddings times
// √d_model plus sinusoidal positions, the stacks, and an output layer ("generator").
// config.json holds `"kind": "seq2seq training run"` and the sizes under `model`.

import type { Config } from './config.ts';
import type { MarianModel } from './marian.ts';
import { sinusoidalPositions } from './positional-encoding.ts';
import { torchTransformer } from './torch-transformer.ts';
import type { WeightLoader } from './weights.ts';

/** Positions are computed, not stored, so any number will do. */
const maxPositions = 1024;

/** Declares the weights of the module's state dict. */
export function torchSeq2Seq(config: Config, loader: WeightLoader): MarianModel {
  const model = config.section('model');
  const { dModel, encoder, decoder } = torchTransformer(model, loader, 'transformer.');
  const sourceVocabulary = model.integer('src_vocab');
  const targetVocabulary = model.integer('tgt_vocab');
  const targetEmbedding = loader.matrix('tgt_embed.weight', targetVocabulary, dModel);
  const table = sinusoidalPositions(maxPositions, dModel);
  return {
    shape: {
      sourceVocabulary,
      targetVocabulary,
      maxPositions,
      dModel,
      decoderLayers: decoder.layers.length,
    },
    weights: {
      sourceEmbedding: loader.matrix('src_embed.weight', sourceVocabulary, dModel),
      targetEmbedding,
      embeddingScale: Math.sqrt(dModel),
      positions: loader.computed('positions', [maxPositions, dModel], table),
      encoder,
      decoder,
      output: {
        weight: model.boolean('tie', false)
          ? targetEmbedding
          : loader.matrix('generator.weight', targetVocabulary, dModel),
        bias: loader.vector('generator.bias', targetVocabulary),
      },
    },
  };
}
