// The text part of Gemma 3n (Google DeepMind, 2025): Gemma 3 with several vectors a token, of which each layer computes
// one, with a product of low rank beside attention, gates of which few are open, vectors of the tokens themselves for each
// layer, and last layers that take the keys and values of earlier ones.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { AltUp, AltUpStreams } from '../../layers/altup.ts';
import type { FeedForwardWeights } from '../../layers/feed-forward.ts';
import { besideSublayers, Laurel } from '../../layers/laurel.ts';
import type { PerLayerGate } from '../../layers/per-layer.ts';
import { normalQuantile, SparseGate } from '../../layers/sparse-gate.ts';
import type { AroundLayer } from '../../layers/stack.ts';
import type { Linear } from '../../weights/linear-weights.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { RotaryTables } from '../rotary-tables.ts';
import { gemmaActivation, gemmaRotary, slidingLayers } from './gemma.ts';
import { headSizes, llamaMlp, llamaModel, type LlamaSizes, rmsNorms } from './llama-parts.ts';
import { perLayerParts } from './per-layer-parts.ts';
import { normedHeads, SharedKeys } from './shared-keys.ts';

type Sizes = Omit<LlamaSizes, 'width'>;

/** Declares the weights of a `Gemma3n…` checkpoint of texts. */
export function gemma3n(config: Config, loader: WeightLoader): SequenceDefinition {
  const sizes = { ...headSizes(config), headSize: config.integer('head_dim', 256) };
  const { size } = sizes;
  const sliding = slidingLayers(config, 5);
  const layers = Array.from({ length: config.layers('num_hidden_layers') }, (_, i) => i);
  const shared = new SharedKeys(config, layers.map(sliding), 15);
  const window = config.integer('sliding_window', 512);
  const rotary = new RotaryTables(config, loader, sizes.headSize);
  const rotaryOf = gemmaRotary(config, rotary);
  const bias = config.boolean('attention_bias', false);
  const rank = config.integer('laurel_rank', 64);
  const activation = gemmaActivation(config);
  const feedForward = feedForwards(config, loader, size, layers.length);
  const altUp = altUpParts(config, loader, sizes);
  const perLayer =
    perLayerParts(config, loader, sizes, { usual: 256, leastVocabulary: 1 }) ??
    config.refuse('hidden_size_per_layer_input', 'a number above 0');
  const norm = rmsNorms(loader, sizes);
  const frame = {
    block: besideSublayers,
    norm,
    rotary,
    embeddingScale: Math.sqrt(size),
    perLayer: perLayer.embeddings,
    streams: altUp.streams,
    tied: true,
    output: { softcap: config.positive('final_logit_softcapping', 30) },
  };
  return llamaModel(config, loader, frame, (prefix, layer) => ({
    selfAttention: {
      ...normedHeads(loader, `${prefix}.self_attn`, sizes, { takes: shared.takes(layer), bias }),
      keysOf: shared.of(layer),
      window: sliding(layer) ? window : undefined,
      rotary: rotaryOf(sliding(layer)),
    },
    selfAttentionNorm: {
      ...norm(`${prefix}.input_layernorm`),
      after: norm(`${prefix}.post_attention_layernorm`),
      beside: new Laurel(
        loader.linear(`${prefix}.laurel.linear_left`, rank, size, { bias: false }),
        loader.linear(`${prefix}.laurel.linear_right`, size, rank, { bias: false }),
        norm(`${prefix}.laurel.post_laurel_norm`),
      ),
    },
    feedForward: feedForward(`${prefix}.mlp`, layer),
    feedForwardNorm: {
      ...norm(`${prefix}.pre_feedforward_layernorm`),
      after: norm(`${prefix}.post_feedforward_layernorm`),
    },
    around: altUp.around(`${prefix}.altup`, { ...perLayer.gate(prefix, layer), activation }),
  }));
}

interface AltUpDeclared {
  readonly streams: (root: string) => AltUpStreams;
  readonly around: (prefix: string, gate: PerLayerGate) => AroundLayer;
}

/** Streams around layers, and how each layer goes about them. */
function altUpParts(config: Config, loader: WeightLoader, sizes: Sizes): AltUpDeclared {
  const { size } = sizes;
  const count = config.integer('altup_num_inputs', 4);
  const active = config.integer('altup_active_idx', 0, 0, count - 1);
  const isScaled = config.boolean('altup_correct_scale', true);
  const limit =
    config.fields['altup_coef_clip'] === null ? undefined : config.positive('altup_coef_clip', 120);
  const norm = rmsNorms(loader, sizes);
  const projections = (name: string): Linear[] =>
    Array.from({ length: count - 1 }, (_, i) =>
      loader.linear(`${name}.${i}`, size, size, { bias: false }),
    );
  // What tells the shares of streams is little, and all that comes behind goes by it.
  const whole = (name: string, out: number, input: number): Linear =>
    loader.linear(name, out, input, { bias: false, dtype: 'f32' });
  return {
    streams: (root) =>
      new AltUpStreams(
        projections(`${root}altup_projections`),
        projections(`${root}altup_unembed_projections`),
      ),
    around: (prefix, gate) =>
      new AltUp({
        active,
        router: {
          norm: norm(`${prefix}.router_norm`),
          linear: whole(`${prefix}.modality_router`, count, size),
        },
        prediction: { ...whole(`${prefix}.prediction_coefs`, count ** 2, count), limit },
        correction: whole(`${prefix}.correction_coefs`, count, count),
        limit,
        factors: isScaled ? loader.vector(`${prefix}.correct_output_scale`, size) : undefined,
        gate,
      }),
  };
}

/** A network by its layer, of the weights whose names begin with `prefix`. */
function feedForwards(
  config: Config,
  loader: WeightLoader,
  size: number,
  count: number,
): (prefix: string, layer: number) => FeedForwardWeights {
  const widths = widthsOf(config, count);
  const closed = closedShares(config, count);
  const activation = gemmaActivation(config);
  return (prefix, layer) => {
    const [width = 0, share = 0] = [widths[layer], closed[layer]];
    if (share <= 0) return llamaMlp(config, loader, prefix, { size, width }, activation);
    const linear = (name: string, out: number, input: number): Linear =>
      loader.linear(`${prefix}.${name}`, out, input, { bias: false });
    return new SparseGate({
      gate: linear('gate_proj', width, size),
      value: linear('up_proj', width, size),
      outer: linear('down_proj', size, width),
      activation,
      deviations: normalQuantile(share),
    });
  };
}

/** d_ff of each layer: a number for all, or one for each. */
function widthsOf(config: Config, count: number): readonly number[] {
  const name = 'intermediate_size';
  if (!Array.isArray(config.get(name))) return Array<number>(count).fill(config.integer(name));
  const list = config.numbers(name, []);
  const areWidths = list.every((width) => Number.isSafeInteger(width) && width > 0);
  if (areWidths && list.length === count) return list;
  return config.invalid(name, `a whole number above 0, or one for each of ${count} layers`);
}

/** The share of the gates that is closed in each layer; 0 where nothing is cut off. */
function closedShares(config: Config, count: number): readonly number[] {
  const name = 'activation_sparsity_pattern';
  if (config.get(name) === undefined) {
    return Array.from({ length: count }, (_, layer) => (count > 10 && layer < 10 ? 0.95 : 0));
  }
  const list = Array.isArray(config.get(name)) ? config.numbers(name, []) : [];
  if (list.length === count && list.every((share) => share < 1)) return list;
  return config.invalid(name, `a list of numbers below 1, one for each of ${count} layers`);
}
