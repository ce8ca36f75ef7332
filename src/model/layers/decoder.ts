// §3.1 of "Attention Is All You Need", Figure 1 (right): the decoder over whole sequences.

import type { Tensor } from '../../runtime/tensor.ts';
import { type CrossAttentionWeights, selfAttention } from './attention.ts';
import { crossAttention } from './cross-attention.ts';
import {
  collector,
  type EncoderLayerWeights,
  type EncoderWeights,
  finishStack,
  type LayerContext,
  type Watch,
} from './encoder.ts';
import { feedForward, linear } from './feed-forward.ts';
import { relativeBias } from './relative-bias.ts';
import { noDropout, type Sublayer, type SublayerNorm } from './residual.ts';

export interface DecoderLayerWeights extends EncoderLayerWeights {
  /** Attention to the encoder's output, in decoders that have an encoder. */
  readonly crossAttention?: CrossAttentionWeights;
  readonly crossAttentionNorm?: SublayerNorm;
}

export interface DecoderWeights extends Omit<EncoderWeights, 'layers'> {
  readonly layers: readonly DecoderLayerWeights[];
}

/** What every decoder layer attends to besides its own input. */
export interface Memory {
  /** Per layer, keys and values of the encoder's output: (B, S, 2 · heads · d_k) */
  readonly keyValues: readonly Tensor[];
  /** (B, S), 0 = padding */
  readonly mask: Tensor;
}

/** Each layer's keys and values of the encoder's output, computed once. memory: (B, S, d_model). */
export function memoryKeyValues(memory: Tensor, { layers }: DecoderWeights): Tensor[] {
  return layers.flatMap(({ crossAttention: cross }) =>
    cross === undefined ? [] : [linear(memory, cross.keyValue, { label: 'memory key, value' })],
  );
}

/** How the sub-layers of one layer attend; the rest is the same for sequences and steps. */
interface Attends {
  readonly selfAttend: Sublayer;
  readonly crossAttend: ((weights: CrossAttentionWeights) => Sublayer) | undefined;
}

/**
 * "The decoder inserts a third sub-layer, which performs multi-head attention over the output of
 * the encoder stack." x and result: (B, T, d_model).
 */
export function decoderLayer(
  x: Tensor,
  weights: DecoderLayerWeights,
  { residual: connect, dropout = noDropout }: Pick<DecoderWeights, 'residual' | 'dropout'>,
  { selfAttend, crossAttend }: Attends,
): Tensor {
  const transform: Sublayer = (h, residual) =>
    feedForward(h, weights.feedForward, residual, dropout.activation);
  let h = connect(x, weights.selfAttentionNorm, selfAttend, dropout.residual);
  const { crossAttention: cross, crossAttentionNorm: norm } = weights;
  if (cross !== undefined && norm !== undefined && crossAttend !== undefined) {
    h = connect(h, norm, crossAttend(cross), dropout.residual);
  }
  return connect(h, weights.feedForwardNorm, transform, dropout.residual);
}

export interface DecoderOptions extends Omit<LayerContext, 'bias'> {
  readonly memory?: Memory | undefined;
  /** "Predictions for position i can depend only on the known outputs at positions less than i." */
  readonly causal?: boolean;
  readonly watch?: Watch;
}

/** The decoder over whole sequences. x and result: (B, T, d_model). */
export function decoder(
  x: Tensor,
  stack: DecoderWeights,
  { mask, place, memory, causal = true, watch = {} }: DecoderOptions,
): Tensor {
  const bias = stack.relativeBias && relativeBias(x.recording, stack.relativeBias);
  const dropout = stack.dropout?.attention ?? 0;
  watch.hiddenStates?.push(x);
  let h = x;
  stack.layers.forEach((layer, index) => {
    h = decoderLayer(h, layer, stack, {
      selfAttend: (input, residual) =>
        selfAttention(input, layer.selfAttention, {
          mask,
          place,
          bias,
          causal,
          residual,
          watch: collector(watch.attentions),
          dropout,
        }),
      crossAttend:
        memory &&
        ((weights) => (input, residual) =>
          crossAttention(input, weights, {
            ...memoryOf(memory, index),
            residual,
            watch: collector(watch.crossAttentions),
            dropout,
          })),
    });
    watch.hiddenStates?.push(h);
  });
  return finishStack(h, stack, watch);
}

/** What a layer has of the encoder's output. */
export function memoryOf(
  { keyValues, mask }: Memory,
  layer: number,
): { memory: Tensor; memoryMask: Tensor } {
  const memory = keyValues[layer];
  if (memory === undefined) throw new RangeError(`decoder layer ${layer} has no memory`);
  return { memory, memoryMask: mask };
}
