// Convolution over time: a gather and a product.

import type { Tensor } from '../../runtime/tensor.ts';
import { type Windowing, windows } from '../../shaders/audio/windows.ts';
import type { Activation } from '../../shaders/matmul/matmul.ts';
import type { Linear } from '../weights/linear-weights.ts';
import { linear } from './linear.ts';

/** A convolution over time, as `torch.nn.Conv1d` has it. */
export interface Convolution extends Windowing {
  /** (out, in · size) */
  readonly linear: Linear;
}

export interface ConvolutionOptions {
  /** Whether x is (B, T, in), and not (B, in, T). */
  readonly channelsLast?: boolean;
  readonly activation?: Activation;
  readonly label: string;
}

/** activation(W ∗ x + b). x: (B, in, T); result, with channels last: (B, N, out), N windows. */
export function convolve(
  x: Tensor,
  { linear: weights, ...windowing }: Convolution,
  { channelsLast = false, activation = 'none', label }: ConvolutionOptions,
): Tensor {
  return linear(windows(x, { ...windowing, channelsLast }), weights, { activation, label });
}
