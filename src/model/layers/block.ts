// §3.1 of "Attention Is All You Need" (Vaswani et al., arXiv 1706.03762): how the sub-layers of a layer
// go together with their residual connections and norms, and with the dropout of §5.4.

import type { Tensor } from '../../runtime/tensor.ts';
import { drops, dropout } from '../../shaders/elementwise/dropout.ts';
import { add } from '../../shaders/elementwise/add.ts';
import { normalize, type NormWeights } from '../../shaders/rows/norm.ts';

/** Rates of dropout, each at least 0 and below 1. They act in recordings with random numbers only. */
export interface Dropout {
  /** "We apply dropout to the output of each sub-layer, before it is added", §5.4. */
  readonly residual: number;
  /** Of the softmax weights. Departs from the paper, as most implementations do. */
  readonly attention: number;
  /** Of the feed-forward network's inner layer, likewise. */
  readonly activation: number;
}

/** What a stack does when it is given no rates. */
export const noDropout: Dropout = { residual: 0, attention: 0, activation: 0 };

/**
 * The normalization of a sub-layer, and of its output where a model has a second one, or factors of its columns (see
 * layer-scale.ts).
 */
export type SublayerNorm = NormWeights & {
  readonly after?: NormWeights;
  readonly scale?: Tensor;
  /** What else is computed of what the sub-layer is given; plain data and methods, as of heads (see laurel.ts). */
  readonly beside?: { record(x: Tensor): Tensor };
};

/** A sub-layer of a layer. */
export interface Sublayer {
  /** Of its named points. */
  readonly name: string;
  readonly norm: SublayerNorm;
  /** Adds `residual`, when given, to what it computes from `x`. (B, T, d_model) */
  readonly apply: (x: Tensor, residual?: Tensor) => Tensor;
}

/**
 * A layer made of its sub-layers, in their order. x and result: (B, T, d_model). What a sub-layer
 * computes is dropped at `rate`, 0 by default.
 */
export type Block = (x: Tensor, sublayers: readonly Sublayer[], rate?: number) => Tensor;

/** "The output of each sub-layer is LayerNorm(x + Sublayer(x))." §3.1 */
export const postNorm: Block = (x, sublayers, rate = 0) =>
  sublayers.reduce((h, sublayer) => {
    const { norm } = sublayer;
    const y = dropout(outputOf(sublayer, h), rate);
    const normalized = isTappedIn(sublayer, h, 'residual')
      ? normalize(pointOf(sublayer, 'residual', add(h, y)), norm)
      : normalize(y, norm, { residual: h });
    return pointOf(sublayer, 'norm', normalized);
  }, x);

/** x + Sublayer(LayerNorm(x)). Departs from the paper: "pre-norm", Xiong et al., arXiv 2002.04745. */
export const preNorm: Block = (x, sublayers, rate = 0) =>
  sublayers.reduce((h, sublayer) => join(h, sublayer, normOf(sublayer, h), rate), x);

/** x + Norm(Sublayer(Norm(x))), Gemma 2, arXiv 2408.00118, §2. */
export const sandwichNorm: Block = (x, sublayers, rate = 0) =>
  sublayers.reduce((h, sublayer) => {
    const y = afterNormOf(sublayer, outputOf(sublayer, normOf(sublayer, h)));
    return pointOf(sublayer, 'residual', add(h, dropout(y, rate)));
  }, x);

/**
 * "x + Attention(LN₁(x)) + FF(LN₂(x))": all sub-layers see the layer's input, GPT-NeoX-20B, arXiv
 * 2204.06745, §2.1. Those that share a norm, as Falcon's and Phi's do, share what it computes.
 */
export const parallel: Block = (x, sublayers, rate = 0) => {
  const normalized = new Map<SublayerNorm, Tensor>();
  return sublayers.reduce((sum, sublayer) => {
    const known = normalized.get(sublayer.norm) ?? normalize(x, sublayer.norm);
    const input = pointOf(sublayer, 'norm', known);
    normalized.set(sublayer.norm, input);
    return joined(sum, sublayer, input, rate);
  }, x);
};

/** A named point of a sub-layer. */
export function pointOf({ name }: Sublayer, point: string, x: Tensor): Tensor {
  const { recording } = x;
  return recording.within(name, () => recording.tap(point, x));
}

function isTappedIn({ name }: Sublayer, { recording }: Tensor, point: string): boolean {
  return recording.within(name, () => recording.isTapped(point));
}

/** What a sub-layer's norm makes of x, a named point. */
export function normOf(sublayer: Sublayer, x: Tensor): Tensor {
  return pointOf(sublayer, 'norm', normalize(x, sublayer.norm));
}

/** What its second norm makes of its output, a named point; that itself where there is none. */
export function afterNormOf(sublayer: Sublayer, y: Tensor): Tensor {
  const { after } = sublayer.norm;
  return after === undefined ? y : pointOf(sublayer, 'afterNorm', normalize(y, after));
}

/** What a sub-layer computes by itself, a named point. */
export function outputOf({ name, apply }: Sublayer, x: Tensor): Tensor {
  const { recording } = x;
  return recording.within(name, () => recording.tap('output', apply(x)));
}

/**
 * sum + dropout(output). Where nothing is dropped and nobody asks for the output by itself, the
 * sub-layer's last product adds the sum.
 */
function joined(sum: Tensor, sublayer: Sublayer, x: Tensor, rate: number): Tensor {
  const { recording } = x;
  const { name, apply } = sublayer;
  const isFused = !isTappedIn(sublayer, x, 'output');
  if (isFused && !drops(recording, rate)) return recording.within(name, () => apply(x, sum));
  return dropout(outputOf(sublayer, x), rate, { residual: sum });
}

/** The same: the residual stream behind a sub-layer, a named point. */
export function join(sum: Tensor, sublayer: Sublayer, x: Tensor, rate: number): Tensor {
  return pointOf(sublayer, 'residual', joined(sum, sublayer, x, rate));
}
