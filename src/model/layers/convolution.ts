// Convolution over time: a gather and a product.

import { windowOf } from '../../runtime/parts.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import {
  windowCount,
  type Windowing,
  type WindowOptions,
  windows,
} from '../../shaders/audio/windows.ts';
import { joinColumns } from '../../shaders/elementwise/join-columns.ts';
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
  return overWindows(x, { ...windowing, channelsLast }, (cut) =>
    linear(cut, weights, { activation, label }),
  );
}

/** Numbers of windows that stand side by side at once. */
const PIECE = 2 ** 24;

/**
 * What `multiply` makes of the windows of a signal, (B, N, C · size) to (B, N, out): windows of long sounds would take
 * many times their memory, so they are cut piece by piece, unless a gradient needs them all.
 */
export function overWindows(
  x: Tensor,
  options: WindowOptions,
  multiply: (cut: Tensor) => Tensor,
): Tensor {
  const { size, stride, padding, channelsLast = false } = options;
  const [batch, all, steps] = [
    x.size(0),
    x.size(channelsLast ? 2 : 1),
    x.size(channelsLast ? 1 : 2),
  ];
  const count = options.count ?? windowCount(steps, options);
  const inRow = batch * size * (options.channels?.count ?? all);
  const most = x.recording.training ? count : Math.max(1, Math.floor(PIECE / inRow));
  if (count <= most) return multiply(windows(x, options));
  const piece = (first: number): Tensor => {
    const own = Math.min(most, count - first);
    // What begins further on has less than nothing before it.
    const cut = windows(x, { ...options, padding: padding - first * stride, count: own });
    const y = multiply(cut);
    return windowOf(y, 0, { shape: [batch, own * y.size(-1)] });
  };
  const others = Array.from({ length: Math.ceil(count / most) - 1 }, (_, i) =>
    piece((i + 1) * most),
  );
  const joined = joinColumns([piece(0), ...others], 'pieces');
  return windowOf(joined, 0, { shape: [batch, count, joined.size(-1) / count] });
}
