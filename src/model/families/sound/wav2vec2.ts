// wav2vec 2.0 (Baevski et al., 2020, arXiv 2006.11477) and HuBERT (Hsu et al., 2021, arXiv 2106.07447): encoders over
// samples of sound, with norms behind their sub-layers or before them.

import type { Tensor } from '../../../runtime/tensor.ts';
import { dropLayer } from '../../../shaders/elementwise/layer-drop.ts';
import { mixLayers } from '../../../shaders/elementwise/layer-mix.ts';
import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { CtcHead } from '../../heads/ctc-head.ts';
import type { Head } from '../../heads/head.ts';
import { baseRoot, headName, labelCount } from '../../heads/head-name.ts';
import { meanOfTokens } from '../../heads/mean-of-tokens.ts';
import { SequenceHead } from '../../heads/sequence-head.ts';
import { WaveformInput } from '../../inputs/waveform-inputs.ts';
import { augmentation } from '../../layers/augmentation.ts';
import { postNorm, preNorm } from '../../layers/block.ts';
import type { LayerNormWeights } from '../../../shaders/rows/norm.ts';
import { layerNormWeights } from '../../layers/norm-weights.ts';
import type { LayerWeights } from '../../layers/stack.ts';
import type { PositionalConvolution, WaveformLayer } from '../../layers/waveform-embeddings.ts';
import type { RowRange } from '../../weights/matrix-options.ts';
import type { WeightLoader } from '../../weights/weights.ts';

/** Declares the weights of a `Wav2Vec2…` checkpoint. */
export function wav2vec2(config: Config, loader: WeightLoader): SequenceDefinition {
  config.only('add_adapter', false);
  if (config.get('adapter_attn_dim') !== undefined) config.refuse('adapter_attn_dim', 'none');
  return speechEncoder(config, loader, 'wav2vec2.', true);
}

/** Declares the weights of a `Hubert…` checkpoint. */
export function hubert(config: Config, loader: WeightLoader): SequenceDefinition {
  config.only('conv_pos_batch_norm', false);
  const normalizes = config.boolean('feat_proj_layer_norm', true);
  return speechEncoder(config, loader, 'hubert.', normalizes);
}

/** `normalizes`: whether there is a norm before the projection. */
function speechEncoder(
  config: Config,
  loader: WeightLoader,
  family: string,
  normalizes: boolean,
): SequenceDefinition {
  const root = baseRoot(config, loader, family, 'feature_projection.projection.weight');
  const size = config.integer('hidden_size', 768);
  const heads = config.heads('num_attention_heads', size);
  const eps = config.positive('layer_norm_eps', 1e-5);
  const isStable = config.boolean('do_stable_layer_norm', false);
  const norm = layerNormWeights(loader, `${root}encoder.layer_norm`, size, eps);
  const layers = waveformLayers(config, loader, `${root}feature_extractor.conv_layers.`);
  const heard = layers.at(-1)?.convolution.linear.weight.size(0) ?? 0;
  const projection = `${root}feature_projection.`;
  const parts = { config, loader, root, size, heads, eps };
  const isMixed = config.boolean('use_weighted_layer_sum', false);
  const count = config.layers('num_hidden_layers', 12);
  const head = headName(config);
  const rate = config.rate('hidden_dropout', 0.1);
  const augmented = augmentation(config, true);
  const layerRate = config.rate('layerdrop', 0.1);
  const scores =
    isMixed && head === 'SequenceClassification'
      ? loader.vector('layer_weights', count + 1)
      : undefined;
  return {
    input: new WaveformInput({
      layers,
      activation: config.activation('feat_extract_activation', 'gelu'),
      projectionNorm: normalizes
        ? layerNormWeights(loader, `${projection}layer_norm`, heard, eps)
        : undefined,
      projection: loader.linear(`${projection}projection`, size, heard),
      positions: positionalConvolution(config, loader, `${root}encoder.pos_conv_embed.conv.`, size),
      norm: isStable ? undefined : norm,
      dropout: config.rate('feat_proj_dropout', 0),
      placedDropout: rate,
      augmentation: augmented,
      // Departs from Python, which trains it.
      masked: augmented && loader.constant(`${root}masked_spec_embed`, [size]),
    }),
    vocabulary: 0,
    maxPositions: Infinity,
    stack: {
      block: isStable ? preNorm : postNorm,
      layers: Array.from({ length: count }, (_, i) => layer(parts, `${root}encoder.layers.${i}.`)),
      finalNorm: isStable ? norm : undefined,
      dropout: {
        residual: rate,
        attention: config.rate('attention_dropout', 0.1),
        activation: config.rate('activation_dropout', 0.1),
      },
      dropLayer: (given, output) => dropLayer(given, output, layerRate),
    },
    causal: false,
    head: headOf(parts, head),
    ...(scores && { mix: (outputs) => mixLayers(outputs, scores) }),
  };
}

interface Parts {
  readonly config: Config;
  readonly loader: WeightLoader;
  readonly size: number;
  readonly heads: number;
  readonly eps: number;
}

function headOf({ config, loader, size, heads }: Parts, name: string): Head | undefined {
  if (name === 'Model') return undefined;
  if (name === 'CTC') {
    const reduction = config.string('ctc_loss_reduction', 'sum');
    if (reduction !== 'sum' && reduction !== 'mean') {
      return config.refuse('ctc_loss_reduction', '"sum" or "mean"');
    }
    return new CtcHead(loader.linear('lm_head', config.integer('vocab_size', 32), size), {
      blank: config.integer('pad_token_id', 0, 0),
      reduction,
      zeroInfinity: config.boolean('ctc_zero_infinity', false),
      dropout: config.rate('final_dropout', 0.1),
    });
  }
  if (name !== 'SequenceClassification') return config.refuse('architectures');
  const width = config.integer('classifier_proj_size', 256);
  const layers = [
    { linear: loader.linear('projector', width, size) },
    { linear: loader.linear('classifier', labelCount(config), width) },
  ];
  return new SequenceHead(config, layers, undefined, (states, mask) =>
    meanOfTokens(states, mask, heads),
  );
}

function layer({ config, loader, size, heads, eps }: Parts, prefix: string): LayerWeights {
  const width = config.integer('intermediate_size', 3072);
  return {
    selfAttention: {
      heads,
      queryKeyValue: loader.linear(
        ['q', 'k', 'v'].map((name) => `${prefix}attention.${name}_proj`),
        size,
        size,
      ),
      output: loader.linear(`${prefix}attention.out_proj`, size, size),
    },
    selfAttentionNorm: layerNormWeights(loader, `${prefix}layer_norm`, size, eps),
    feedForward: {
      kind: 'plain',
      inner: loader.linear(`${prefix}feed_forward.intermediate_dense`, width, size),
      outer: loader.linear(`${prefix}feed_forward.output_dense`, size, width),
      activation: config.activation('hidden_act', 'gelu'),
    },
    feedForwardNorm: layerNormWeights(loader, `${prefix}final_layer_norm`, size, eps),
  };
}

/** The convolutions over samples: the first with a norm of each channel over time, or all with one of all channels. */
function waveformLayers(config: Config, loader: WeightLoader, prefix: string): WaveformLayer[] {
  const dims = counts(config, 'conv_dim', [512, 512, 512, 512, 512, 512, 512]);
  const sizes = counts(config, 'conv_kernel', [10, 3, 3, 3, 3, 2, 2]);
  const strides = counts(config, 'conv_stride', [5, 2, 2, 2, 2, 2, 2]);
  for (const [name, list] of Object.entries({ conv_kernel: sizes, conv_stride: strides })) {
    if (list.length !== dims.length) config.invalid(name, `${dims.length} numbers, as "conv_dim"`);
  }
  const kind = config.string('feat_extract_norm', 'group');
  if (kind !== 'group' && kind !== 'layer')
    config.refuse('feat_extract_norm', '"group" or "layer"');
  const bias = config.boolean('conv_bias', false);
  return dims.map((out, index) => {
    const input = dims[index - 1] ?? 1;
    const [size = 1, stride = 1] = [sizes[index], strides[index]];
    const linear = loader.linear(`${prefix}${index}.conv`, out, input * size, {
      bias,
      stored: (rows) => [rows, input, size],
    });
    const convolution = { linear, size, stride, padding: 0 };
    const norm = (): LayerNormWeights =>
      layerNormWeights(loader, `${prefix}${index}.layer_norm`, out);
    if (kind === 'layer') return { convolution, norm: norm() };
    return { convolution, ...(index === 0 && { channelNorm: norm() }) };
  });
}

function counts(config: Config, name: string, usual: readonly number[]): readonly number[] {
  const numbers = config.numbers(name, usual);
  const areCounts = numbers.every((number) => Number.isSafeInteger(number) && number > 0);
  return areCounts ? numbers : config.invalid(name, 'whole numbers of at least 1');
}

function positionalConvolution(
  config: Config,
  loader: WeightLoader,
  prefix: string,
  size: number,
): PositionalConvolution {
  const steps = config.integer('num_conv_pos_embeddings', 128);
  const groups = config.integer('num_conv_pos_embedding_groups', 16);
  if (size % groups !== 0) {
    config.invalid('num_conv_pos_embedding_groups', `a divisor of ${size}, the model's width`);
  }
  const channels = size / groups;
  const [length, direction] = loader.has(`${prefix}weight_v`)
    ? ['weight_g', 'weight_v']
    : ['parametrizations.weight.original0', 'parametrizations.weight.original1'];
  const part = (group: number): RowRange => ({ first: group * channels, rows: size });
  const directionOf = (group: number): Tensor =>
    loader.matrix(prefix + direction, channels, channels * steps, {
      dtype: 'f32',
      part: part(group),
      stored: (rows) => [rows, channels, steps],
    });
  const groupsFrom = (first: number): number[] =>
    Array.from({ length: groups - first }, (_, i) => first + i);
  return {
    directions: [directionOf(0), ...groupsFrom(1).map(directionOf)],
    length: loader.matrix(prefix + length, 1, steps, {
      dtype: 'f32',
      stored: () => [1, 1, steps],
    }),
    biases: groupsFrom(0).map((group) => loader.vector(`${prefix}bias`, channels, part(group))),
  };
}
