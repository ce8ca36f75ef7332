// Signals cut into windows, which may overlap.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';
import type { Scalars, Traced } from '../traces.ts';

/** The scalars there and back. */
export const windowsParams = {
  batches: 'u32',
  length: 'u32',
  channels: 'u32',
  first: 'u32',
  count: 'u32',
  size: 'u32',
  stride: 'u32',
  padding: 'u32',
  batch_pitch: 'u32',
  channel_pitch: 'u32',
  step_pitch: 'u32',
} as const;

const windowsKernel = kernel({
  name: 'windows',
  code: [workgroup, { file: 'windows.wgsl', text: late(() => import('./windows.wgsl?raw')) }],
  bindings: { x: 'read', y: 'write' },
  params: windowsParams,
});

export const windowKernels: readonly Kernel[] = [windowsKernel];

export type WindowsEntry = Traced<
  'windows',
  { readonly x: Tensor; readonly params: Scalars<typeof windowsParams> }
>;

/** How a signal is cut, in steps of time. */
export interface Windowing {
  readonly size: number;
  readonly stride: number;
  /** Zeros before the signal, and behind it. */
  readonly padding: number;
}

export interface WindowOptions extends Windowing {
  /** Whether the signal is (B, T, C), as products give it, and not (B, C, T). */
  readonly channelsLast?: boolean;
  /** The channels in a window, as a convolution in groups has them; all when absent. */
  readonly channels?: { readonly first: number; readonly count: number };
  /** Windows that are wanted; when absent, all that fit. Steps behind the signal are 0. */
  readonly count?: number;
}

/** How many windows fit in so many steps; 0 where not one does. */
export function windowCount(length: number, { size, stride, padding }: Windowing): number {
  return Math.max(0, Math.floor((length + 2 * padding - size) / stride) + 1);
}

/**
 * x (B, C, T) to (B, N, C · size), the N windows of each signal: what the weight of a convolution over time,
 * (out, C, size), is multiplied by.
 */
export function windows(x: Tensor, options: WindowOptions): Tensor {
  const { size, stride, padding, channelsLast = false } = options;
  const [batches, all, length] = [
    x.size(0),
    x.size(channelsLast ? 2 : 1),
    x.size(channelsLast ? 1 : 2),
  ];
  const { first, count: channels } = options.channels ?? { first: 0, count: all };
  const count = options.count ?? windowCount(length, options);
  if (count < 1 || channels < 1 || first + channels > all) {
    throw new RangeError(
      `windows: ${count} of ${size} steps, ${channels} channels from ${first} on, of ${x.describe()}`,
    );
  }
  const params = {
    batches,
    length,
    channels,
    first,
    count,
    size,
    stride,
    padding,
    batch_pitch: all * length,
    channel_pitch: channelsLast ? 1 : length,
    step_pitch: channelsLast ? all : 1,
  };
  const y = x.recording.transient(`windows of ${x.label}`, [batches, count, channels * size]);
  x.recording.dispatch({
    kernel: windowsKernel,
    bindings: { x, y },
    params,
    workgroups: Math.ceil((batches * count * channels * size) / 64),
  });
  x.recording.differentiate({
    op: 'windows',
    output: y,
    inputs: [x],
    trace: { x, params },
  } satisfies WindowsEntry);
  return y;
}
