// §3.1 of "Attention Is All You Need", Figure 1: the layers of an encoder or a decoder, one after the
// other. How they attend is said by the caller: over whole sequences, or over the caches of generation.

import type { Tensor } from '../../runtime/tensor.ts';
import type { CrossAttentionWeights, SelfAttentionWeights } from './attention.ts';
import type { TokenMixer } from './token-mixer.ts';
import { type Block, type Dropout, noDropout, type Sublayer, type SublayerNorm } from './block.ts';
import { feedForward, type FeedForwardWeights } from './feed-forward.ts';
import { relativeBias, type RelativeBias } from './relative-bias.ts';
import type { Linear } from '../weights/linear-weights.ts';
import { linear } from './linear.ts';
import type { RoutedLayer } from '../../shaders/experts/balance-loss.ts';
import { normalize, type NormWeights } from '../../shaders/rows/norm.ts';

/**
 * "The first is a multi-head self-attention mechanism, and the second is a simple, position-wise
 * fully connected feed-forward network." Between them "the decoder inserts a third sub-layer, which
 * performs multi-head attention over the output of the encoder stack."
 */
export interface LayerWeights {
  /** Departs from the paper: or what has the place of it. */
  readonly selfAttention: SelfAttentionWeights | TokenMixer;
  readonly selfAttentionNorm: SublayerNorm;
  /** Attention to the encoder's output, in decoders that have an encoder. */
  readonly crossAttention?: CrossAttentionWeights;
  readonly crossAttentionNorm?: SublayerNorm;
  readonly feedForward: FeedForwardWeights;
  readonly feedForwardNorm: SublayerNorm;
  /** A bias of the scores by distance, in place of the stack's. */
  readonly relativeBias?: RelativeBias | undefined;
  readonly around?: AroundLayer | undefined;
}

/** A layer that attends. */
export interface AttentionLayer extends LayerWeights {
  readonly selfAttention: SelfAttentionWeights;
}

/** What stands around the sub-layers of a layer. Plain data and methods, so that weights in it can be replaced. */
export interface AroundLayer {
  /** Appends it. `given`: what the layer was given; `sublayers`: appends those, of what they are given. */
  record(given: Tensor, sublayers: (x: Tensor) => Tensor, options: AroundOptions): Tensor;
}

interface AroundOptions {
  /** Of dropout. */
  readonly rate: number;
  /** What layers take of the tokens themselves, where they take something. */
  readonly perLayer: Tensor | undefined;
}

interface Shown {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** Vectors side by side that layers hand on in place of one a token. Plain data and methods, as above. */
export interface Streams {
  /** Appends what the first layer is given of x: (B, T, d_model) to (B, T, streams · d_model). */
  open(x: Tensor): Tensor;
  /** Appends what becomes of the last layer's output: (B, T, streams · d_model) to (B, T, d_model). */
  close(output: Tensor): Tensor;
  /** What is shown of hidden states: (B, T, streams · d_model) as (streams, B, T, d_model), as transformers has them. */
  apart(states: Shown): Shown;
}

export interface StackWeights {
  /** How sub-layers, residual connections and norms go together. */
  readonly block: Block;
  readonly layers: readonly LayerWeights[];
  /** Departs from the paper: what layers hand on in place of one vector a token. */
  readonly streams?: Streams | undefined;
  /** Departs from the paper: a norm after the last layer, as pre-norm stacks and PyTorch have it. */
  readonly finalNorm?: NormWeights | undefined;
  /** Departs from the paper: what comes out is of another width. */
  readonly projection?: Linear | undefined;
  /** Departs from the paper: a bias of the scores by distance, which all layers share. */
  readonly relativeBias?: RelativeBias | undefined;
  /** Departs from the paper: vectors of relative positions, which layers compare with, see disentangled.ts. */
  readonly positions?: { readonly record: (x: Tensor) => Tensor } | undefined;
  /** Departs from PyTorch: the last hidden state is that after the final norm. */
  readonly normalizesLastState?: boolean;
  /** For training; none when absent. */
  readonly dropout?: Dropout;
  /** Whole layers that are dropped in training: what a layer was given, or its output. None when absent. */
  readonly dropLayer?: (given: Tensor, output: Tensor) => Tensor;
}

/** What the scores of a layer know of the distances between tokens. */
export interface ByDistance {
  /** Added to them, (2 · reach + 1, heads). */
  readonly bias?: Tensor | undefined;
  /** The vectors of relative positions that they compare with, (rows, d_model). */
  readonly positions?: Tensor | undefined;
}

/** The self-attention of one layer. */
export type StackSelf = (
  layer: LayerWeights,
  index: number,
  byDistance: ByDistance,
) => Sublayer['apply'];

/** The attention of one layer to an encoder's output. */
export type StackCross = (weights: CrossAttentionWeights, index: number) => Sublayer['apply'];

/** What the next layer takes of the output of one, (B, T, d_model). */
export type BetweenLayers = (output: Tensor, index: number) => Tensor;

/** How the layers attend; `cross` is left out where there is no encoder's output. */
export interface StackAttention {
  readonly self: StackSelf;
  readonly cross?: StackCross | undefined;
  /** The output as it is when absent. */
  readonly between?: BetweenLayers | undefined;
  /** What layers take of the tokens themselves, see `PerLayerVectors`. */
  readonly perLayer?: Tensor | undefined;
  /** Is told of what experts do, layer by layer. */
  readonly onRouted?: ((layer: RoutedLayer) => void) | undefined;
}

/**
 * "A stack of N = 6 identical layers." x and result: (B, T, d_model). Its named points: `embeddings`,
 * `layers.i.input` and `layers.i.output`, all (B, T, streams · d_model) where there are streams, `output` after the final
 * norm, and in a layer those of its sub-layers `selfAttention`, `crossAttention` and `feedForward` (docs/points.md).
 */
export function stack(
  x: Tensor,
  weights: StackWeights,
  { self, cross, between, perLayer, onRouted }: StackAttention,
): Tensor {
  const { recording } = x;
  const { block, streams, dropout = noDropout, finalNorm, projection } = weights;
  const biasBy = (by: RelativeBias | undefined) => by && relativeBias(recording, by);
  const shared = biasBy(weights.relativeBias);
  const positions = weights.positions?.record(x);
  const handedOn = weights.layers.reduce(
    (given, layer, index) =>
      recording.within(`layers.${index}`, () => {
        const h = recording.tap('input', given);
        const { crossAttention, crossAttentionNorm } = layer;
        const bias = biasBy(layer.relativeBias) ?? shared;
        const attend = self(layer, index, { bias, positions });
        const sublayers: Sublayer[] = [
          { name: 'selfAttention', norm: layer.selfAttentionNorm, apply: attend },
        ];
        if (
          cross !== undefined &&
          crossAttention !== undefined &&
          crossAttentionNorm !== undefined
        ) {
          sublayers.push({
            name: 'crossAttention',
            norm: crossAttentionNorm,
            apply: cross(crossAttention, index),
          });
        }
        sublayers.push({
          name: 'feedForward',
          norm: layer.feedForwardNorm,
          apply: (input, residual) =>
            feedForward(input, layer.feedForward, residual, { rate: dropout.activation, onRouted }),
        });
        const { residual } = dropout;
        const whole = recording.recomputed(() => {
          const inner = (input: Tensor): Tensor => block(input, sublayers, residual);
          return layer.around?.record(h, inner, { rate: residual, perLayer }) ?? inner(h);
        });
        const output = recording.tap('output', weights.dropLayer?.(h, whole) ?? whole);
        return between?.(output, index) ?? output;
      }),
    recording.tap('embeddings', streams?.open(x) ?? x),
  );
  const hidden = streams?.close(handedOn) ?? handedOn;
  const last =
    finalNorm === undefined ? hidden : normalize(hidden, finalNorm, { label: 'final norm' });
  const output = projection === undefined ? last : linear(last, projection);
  return recording.tap('output', output);
}
