// §3.1 of "Attention Is All You Need", Figure 1 (right): the decoder, over whole sequences and one
// token at a time.

import type { Tensor } from '../runtime/tensor.ts';
import type { KeyValueCache } from '../shaders/attention-decode.ts';
import { layerNorm, type LayerNormWeights } from '../shaders/layer-norm.ts';
import {
  crossAttention,
  crossAttentionStep,
  type CrossAttentionWeights,
  selfAttention,
  selfAttentionStep,
  type SelfAttentionWeights,
} from './attention.ts';
import { collector, type Watch } from './encoder.ts';
import { feedForward, type FeedForwardWeights, linear } from './feed-forward.ts';
import { type Dropout, noDropout, type ResidualConnection, type Sublayer } from './residual.ts';

export interface DecoderLayerWeights {
  readonly selfAttention: SelfAttentionWeights;
  readonly selfAttentionNorm: LayerNormWeights;
  readonly crossAttention: CrossAttentionWeights;
  readonly crossAttentionNorm: LayerNormWeights;
  readonly feedForward: FeedForwardWeights;
  readonly feedForwardNorm: LayerNormWeights;
}

export interface DecoderWeights {
  readonly residual: ResidualConnection;
  readonly layers: readonly DecoderLayerWeights[];
  /** Departs from the paper: a norm after the last layer, as pre-norm stacks and PyTorch have it. */
  readonly finalNorm?: LayerNormWeights;
  /** For training; none when absent. */
  readonly dropout?: Dropout;
}

/** What every decoder layer attends to besides its own input. */
export interface Memory {
  /** Per layer, keys and values of the encoder's output: (B, S, 2 · d_model) */
  readonly keyValues: readonly Tensor[];
  /** (B, S), 0 = padding */
  readonly mask: Tensor;
}

/** Each layer's keys and values of the encoder's output, computed once. memory: (B, S, d_model). */
export function memoryKeyValues(memory: Tensor, { layers }: DecoderWeights): Tensor[] {
  return layers.map((layer) =>
    linear(memory, layer.crossAttention.keyValue, { label: 'memory key, value' }),
  );
}

/**
 * "The decoder inserts a third sub-layer, which performs multi-head attention over the output of
 * the encoder stack." x and result: (B, T, d_model).
 */
export function decoderLayer(
  x: Tensor,
  weights: DecoderLayerWeights,
  { residual: connect, dropout = noDropout }: Pick<DecoderWeights, 'residual' | 'dropout'>,
  { selfAttend, crossAttend }: { selfAttend: Sublayer; crossAttend: Sublayer },
): Tensor {
  const transform: Sublayer = (h, residual) =>
    feedForward(h, weights.feedForward, residual, dropout.activation);
  const attended = connect(x, weights.selfAttentionNorm, selfAttend, dropout.residual);
  const informed = connect(attended, weights.crossAttentionNorm, crossAttend, dropout.residual);
  return connect(informed, weights.feedForwardNorm, transform, dropout.residual);
}

export interface DecoderOptions {
  /** (B, T), 0 = padding */
  readonly mask: Tensor;
  readonly memory: Memory;
  /** "Predictions for position i can depend only on the known outputs at positions less than i." */
  readonly causal?: boolean;
  readonly watch?: Watch;
}

/** The decoder over whole sequences. x and result: (B, T, d_model). */
export function decoder(
  x: Tensor,
  stack: DecoderWeights,
  { mask, memory, causal = true, watch = {} }: DecoderOptions,
): Tensor {
  const { layers, finalNorm } = stack;
  const rate = stack.dropout?.attention ?? 0;
  watch.hiddenStates?.push(x);
  let h = x;
  layers.forEach((layer, index) => {
    h = decoderLayer(h, layer, stack, {
      selfAttend: (input, residual) =>
        selfAttention(input, layer.selfAttention, {
          mask,
          causal,
          residual,
          watch: collector(watch.attentions),
          dropout: rate,
        }),
      crossAttend: (input, residual) =>
        crossAttention(input, layer.crossAttention, {
          ...memoryOf(memory, index),
          residual,
          watch: collector(watch.crossAttentions),
          dropout: rate,
        }),
    });
    watch.hiddenStates?.push(h);
  });
  return finalNorm === undefined ? h : layerNorm(h, finalNorm, { label: 'final norm' });
}

/** The decoder for one new token a sequence; caches: one a layer. x and result: (B, 1, d_model). */
export function decoderStep(
  x: Tensor,
  stack: DecoderWeights,
  caches: readonly KeyValueCache[],
  memory: Memory,
): Tensor {
  const { layers, finalNorm } = stack;
  let h = x;
  layers.forEach((layer, index) => {
    const cache = caches[index];
    if (cache === undefined) throw new RangeError(`decoder layer ${index} has no cache`);
    h = decoderLayer(h, layer, stack, {
      selfAttend: (input, residual) =>
        selfAttentionStep(input, layer.selfAttention, cache, residual),
      crossAttend: (input, residual) =>
        crossAttentionStep(input, layer.crossAttention, { ...memoryOf(memory, index), residual }),
    });
  });
  return finalNorm === undefined ? h : layerNorm(h, finalNorm, { label: 'final norm' });
}

function memoryOf(
  { keyValues, mask }: Memory,
  layer: number,
): { memory: Tensor; memoryMask: Tensor } {
  const memory = keyValues[layer];
  if (memory === undefined) throw new RangeError(`decoder layer ${layer} has no memory`);
  return { memory, memoryMask: mask };
}
