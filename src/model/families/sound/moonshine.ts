// Moonshine ("Speech Recognition for Live Transcription and Voice Commands", Jeffries et al., 2024, arXiv 2410.15608): a
// Transformer with norms before its sub-layers and rotary positions, from the samples of a sound of any length to text.

import type { Config } from '../../config.ts';
import type { EncoderDecoderDefinition } from '../../definitions.ts';
import { baseRoot, headName } from '../../heads/head-name.ts';
import { SamplesInput } from '../../inputs/samples-inputs.ts';
import type { CrossAttentionWeights, SelfAttentionWeights } from '../../layers/attention.ts';
import { preNorm } from '../../layers/block.ts';
import type { Convolution } from '../../layers/convolution.ts';
import type { FeedForwardWeights } from '../../layers/feed-forward.ts';
import { layerNormWeights, unshiftedNormWeights } from '../../layers/norm-weights.ts';
import type { SamplesEmbeddings } from '../../layers/samples-embeddings.ts';
import type { LayerWeights, StackWeights } from '../../layers/stack.ts';
import type { LayerNormWeights } from '../../../shaders/rows/norm.ts';
import { oneLinear } from '../../weights/linear-weights.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { RotaryTables } from '../rotary-tables.ts';
import { tokenTarget } from '../pairs/text-to-text.ts';

/** Declares the weights of a `MoonshineForConditionalGeneration`, or of the `MoonshineModel` within. */
export function moonshine(config: Config, loader: WeightLoader): EncoderDecoderDefinition {
  const head = headName(config);
  if (!['ConditionalGeneration', 'Model'].includes(head)) config.refuse('architectures');
  const root = baseRoot(config, loader, 'model.', 'encoder.conv1.weight');
  const sizes = moonshineSizes(config);
  const heard = new RotaryTables(config, loader, sizes.headSize);
  const spoken = new RotaryTables(config, loader, sizes.headSize);
  const encoder = encoderStack(config, loader, `${root}encoder.`, { ...sizes, rotary: heard });
  const decoder = decoderStack(config, loader, `${root}decoder.`, { ...sizes, rotary: spoken });

  const targetVocabulary = config.integer('vocab_size', 32768);
  const embedded = `${root}decoder.embed_tokens.weight`;
  const output = head === 'Model' ? embedded : 'proj_out.weight';
  if (config.boolean('tie_word_embeddings', true)) loader.tie(embedded, output);
  const target = { tokens: loader.matrix(embedded, targetVocabulary, sizes.size) };
  const outputLayer = oneLinear('proj_out', loader.matrix(output, targetVocabulary, sizes.size));
  const longest = config.integer('max_position_embeddings', 512);
  const weights = { target, encoder, decoder, output: outputLayer };
  const shape = { targetVocabulary, ...spoken.reading(() => longest) };
  return {
    ...tokenTarget(shape, weights),
    source: new SamplesInput(samples(loader, `${root}encoder.`, sizes.size), heard.stretched),
  };
}

interface Sizes {
  readonly size: number;
  readonly width: number;
  readonly heads: number;
  readonly headSize: number;
}

interface StackSizes extends Sizes {
  readonly rotary: RotaryTables;
}

function moonshineSizes(config: Config): Sizes {
  const size = config.integer('hidden_size', 288);
  const heads = config.integer('encoder_num_attention_heads', 8);
  if (config.integer('encoder_num_key_value_heads', heads) !== heads) {
    config.refuse('encoder_num_key_value_heads', `${heads}, as many as there are heads`);
  }
  // Hugging Face's implementation has the encoder's heads in both stacks, whatever stands here.
  for (const name of ['decoder_num_attention_heads', 'decoder_num_key_value_heads']) {
    const given = config.integer(name, heads);
    if (given !== heads) {
      config.warn(`"${name}" is ${given}; all layers have ${heads} heads, as the encoder's do.`);
    }
  }
  // Zeros behind the columns of a head change no result.
  config.integer('pad_head_dim_to_multiple_of', 1);
  const headSize = config.integer('head_dim', Math.floor(size / heads));
  return { size, width: config.integer('intermediate_size', 1152), heads, headSize };
}

function samples(loader: WeightLoader, prefix: string, size: number): SamplesEmbeddings {
  const convolution = (
    name: string,
    [out, channels]: readonly [number, number],
    [steps, stride]: readonly [number, number],
    bias = true,
  ): Convolution => ({
    linear: loader.linear(prefix + name, out, channels * steps, {
      bias,
      stored: (rows) => [rows, channels, steps],
    }),
    size: steps,
    stride,
    padding: 0,
  });
  return {
    convolutions: [
      convolution('conv1', [size, 1], [127, 64], false),
      convolution('conv2', [2 * size, size], [7, 3]),
      convolution('conv3', [size, 2 * size], [3, 2]),
    ],
    norm: layerNormWeights(loader, `${prefix}groupnorm`, size),
  };
}

function encoderStack(
  config: Config,
  loader: WeightLoader,
  prefix: string,
  sizes: StackSizes,
): StackWeights {
  const { size, width } = sizes;
  const activation = config.activation('encoder_hidden_act', 'gelu');
  const attention = attentionOf(config, loader, sizes);
  const norm = (name: string): LayerNormWeights => unshiftedNormWeights(loader, name, size);
  const feed = (name: string): FeedForwardWeights => ({
    kind: 'plain',
    inner: loader.linear(`${name}.fc1`, width, size),
    outer: loader.linear(`${name}.fc2`, size, width),
    activation,
  });
  const count = config.layers('encoder_num_hidden_layers', 6);
  const layers = Array.from({ length: count }, (_, index): LayerWeights => {
    const layer = `${prefix}layers.${index}.`;
    return {
      selfAttention: attention.self(`${layer}self_attn`),
      selfAttentionNorm: norm(`${layer}input_layernorm`),
      feedForward: feed(`${layer}mlp`),
      feedForwardNorm: norm(`${layer}post_attention_layernorm`),
    };
  });
  return stackOf(config, layers, norm(`${prefix}layer_norm`));
}

function decoderStack(
  config: Config,
  loader: WeightLoader,
  prefix: string,
  sizes: StackSizes,
): StackWeights {
  const { size, width } = sizes;
  const activation = config.activation('decoder_hidden_act', 'silu');
  const attention = attentionOf(config, loader, sizes);
  const norm = (name: string): LayerNormWeights => unshiftedNormWeights(loader, name, size);
  const feed = (name: string): FeedForwardWeights => ({
    kind: 'gated',
    valueFirst: true,
    inner: loader.linear(`${name}.fc1`, 2 * width, size),
    outer: loader.linear(`${name}.fc2`, size, width),
    activation,
  });
  const count = config.layers('decoder_num_hidden_layers', 6);
  const layers = Array.from({ length: count }, (_, index): LayerWeights => {
    const layer = `${prefix}layers.${index}.`;
    return {
      selfAttention: attention.self(`${layer}self_attn`),
      selfAttentionNorm: norm(`${layer}input_layernorm`),
      crossAttention: attention.cross(`${layer}encoder_attn`),
      crossAttentionNorm: norm(`${layer}post_attention_layernorm`),
      feedForward: feed(`${layer}mlp`),
      feedForwardNorm: norm(`${layer}final_layernorm`),
    };
  });
  return stackOf(config, layers, norm(`${prefix}norm`));
}

function stackOf(
  config: Config,
  layers: readonly LayerWeights[],
  finalNorm: LayerNormWeights,
): StackWeights {
  const attention = config.rate('attention_dropout', 0);
  const dropout = { residual: 0, attention, activation: 0 };
  return { block: preNorm, layers, finalNorm, normalizesLastState: true, dropout };
}

interface Attention {
  self(prefix: string): SelfAttentionWeights;
  cross(prefix: string): CrossAttentionWeights;
}

function attentionOf(
  config: Config,
  loader: WeightLoader,
  { size, heads, headSize, rotary }: StackSizes,
): Attention {
  const width = heads * headSize;
  const bias = config.boolean('attention_bias', false);
  const project = (prefix: string, names: readonly string[]) =>
    loader.linear(
      names.map((name) => `${prefix}.${name}_proj`),
      width,
      size,
      { bias },
    );
  const output = (prefix: string) =>
    loader.linear(`${prefix}.o_proj`, size, width, { bias: false });
  return {
    self: (prefix) => ({
      heads,
      headSize,
      queryKeyValue: project(prefix, ['q', 'k', 'v']),
      output: output(prefix),
      rotary: { ...rotary.table({ partial: 0.9 }), neighbours: true },
    }),
    cross: (prefix) => ({
      heads,
      headSize,
      query: project(prefix, ['q']),
      keyValue: project(prefix, ['k', 'v']),
      output: output(prefix),
    }),
  };
}
