// Whisper ("Robust Speech Recognition via Large-Scale Weak Supervision", Radford et al., 2022, arXiv 2212.04356, §2.2): a
// Transformer with norms before its sub-layers, from log-mel features of 30 seconds of sound to text.

import { paddingOf } from '../../layers/embeddings.ts';
import { tokenMeans } from '../../../shaders/image/token-means.ts';
import type { Config } from '../../config.ts';
import type { EncoderDecoderDefinition, SequenceDefinition } from '../../definitions.ts';
import { baseRoot, headName, labelCount } from '../../heads/head-name.ts';
import { SequenceHead } from '../../heads/sequence-head.ts';
import { SoundInput } from '../../inputs/sound-inputs.ts';
import { preNorm } from '../../layers/block.ts';
import { augmentation, type Augmentation } from '../../layers/augmentation.ts';
import type { Convolution } from '../../layers/convolution.ts';
import { speechFields } from '../../speech/speech-fields.ts';
import { tensor2tensorPositions } from '../../layers/tensor2tensor-positions.ts';
import { oneLinear } from '../../weights/linear-weights.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { type BartVariant, bartStacks } from '../pairs/bart-layers.ts';
import { droppingLayers } from '../pairs/layer-drop.ts';
import { tokenTarget } from '../pairs/text-to-text.ts';

const variant: BartVariant = { block: preNorm, finalNorm: 'layer_norm', keyBias: false };

/** Declares the weights of a `WhisperForConditionalGeneration`, or of the `WhisperModel` within. */
export function whisper(config: Config, loader: WeightLoader): EncoderDecoderDefinition {
  const head = headName(config);
  if (!['ConditionalGeneration', 'Model'].includes(head)) config.refuse('architectures');
  const root = baseRoot(config, loader, 'model.', 'encoder.conv1.weight');
  const { dModel, stack } = bartStacks(config, loader, root, variant);
  const targetVocabulary = config.integer('vocab_size', 51865);
  const maxPositions = config.integer('max_target_positions', 448);
  const source = soundInput(config, loader, root, augmentation(config, false));
  const encoder = droppingLayers(config, 'encoder', stack('encoder'));
  const embedded = `${root}decoder.embed_tokens.weight`;
  const output = head === 'Model' ? embedded : 'proj_out.weight';
  if (config.boolean('tie_word_embeddings', true)) loader.tie(embedded, output);
  const target = {
    tokens: loader.matrix(embedded, targetVocabulary, dModel),
    padding: paddingOf(config, 50256),
    positions: {
      table: loader.matrix(`${root}decoder.embed_positions.weight`, maxPositions, dModel, {
        dtype: 'f32',
      }),
    },
    dropout: config.rate('dropout', 0),
  };
  const decoder = droppingLayers(config, 'decoder', stack('decoder'));
  const weights = {
    target,
    encoder,
    decoder,
    output: oneLinear('proj_out', loader.matrix(output, targetVocabulary, dModel)),
  };
  const medianWidth = config.integer('median_filter_width', 7);
  if (medianWidth % 2 === 0) config.invalid('median_filter_width', 'an odd number');
  return {
    ...tokenTarget({ targetVocabulary, maxPositions }, weights),
    source,
    ...(head !== 'Model' && { speech: { stage: source, medianWidth, fields: speechFields } }),
  };
}

/** Declares the weights of a `WhisperForAudioClassification`: the encoder alone. */
export function whisperClassifier(config: Config, loader: WeightLoader): SequenceDefinition {
  config.only('use_weighted_layer_sum', false);
  const { dModel, stack } = bartStacks(config, loader, '', variant);
  const input = soundInput(config, loader, '');
  const encoder = droppingLayers(config, 'encoder', stack('encoder'));
  const width = config.integer('classifier_proj_size', 256);
  // The mean of projections is the projection of the mean.
  const layers = [
    { linear: loader.linear('projector', width, dModel) },
    { linear: loader.linear('classifier', labelCount(config), width) },
  ];
  const count = input.sound.positions.size(0);
  return {
    input,
    vocabulary: 0,
    maxPositions: Infinity,
    stack: encoder,
    causal: false,
    head: new SequenceHead(config, layers, undefined, (states) =>
      tokenMeans(states, { first: 0, count }),
    ),
  };
}

function soundInput(
  config: Config,
  loader: WeightLoader,
  root: string,
  augmented?: Augmentation,
): SoundInput {
  const dModel = config.integer('d_model');
  const bins = config.integer('num_mel_bins', 80);
  const steps = config.integer('max_source_positions', 1500);
  const size = 3;
  const convolution = (name: string, channels: number, stride: number): Convolution => ({
    linear: loader.linear(`${root}encoder.${name}`, dModel, channels * size, {
      stored: (rows) => [rows, channels, size],
    }),
    size,
    stride,
    padding: 1,
  });
  return new SoundInput({
    bins,
    frames: 2 * steps,
    first: convolution('conv1', bins, 1),
    second: convolution('conv2', dModel, 2),
    positions: loader.fixed(`${root}encoder.embed_positions.weight`, [steps, dModel], () =>
      tensor2tensorPositions(steps, dModel),
    ),
    dropout: config.rate('dropout', 0),
    augmentation: augmented,
  });
}
