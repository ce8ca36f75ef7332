// Normalization of groups of channels over time.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';
import type { Scalars, Traced } from '../traces.ts';
import { fold } from './fold.ts';

/** The scalars there and back. */
export const groupNormParams = {
  size: 'u32',
  channels: 'u32',
  groups: 'u32',
  length: 'u32',
  eps: 'f32',
} as const;

const groupNormKernel = kernel({
  name: 'group-norm',
  code: [workgroup, { file: 'group-norm.wgsl', text: late(() => import('./group-norm.wgsl?raw')) }],
  bindings: {
    x: 'read',
    sums: 'read',
    squares: 'read',
    weight: 'read',
    bias: 'read',
    y: 'write',
  },
  params: groupNormParams,
  constants: { HAS_AFFINE: [false, true] },
});

export const groupNormKernels: readonly Kernel[] = [groupNormKernel];

/** What is normalized, and by what. */
export interface GroupedValues {
  /** (B, T, C) */
  readonly x: Tensor;
  /** (B, 1, groups): the sums of x, and of the squares of its distances from the mean. */
  readonly sums: Tensor;
  readonly squares: Tensor;
  readonly params: Scalars<typeof groupNormParams>;
}

export type GroupNormEntry = Traced<
  'group-norm',
  GroupedValues & { readonly affine: ChannelWeights | undefined }
>;

/** Of each channel, (C). */
export interface ChannelWeights {
  readonly weight: Tensor;
  readonly bias: Tensor;
}

export interface GroupNormOptions {
  /** Of channels that lie side by side, as many each; each channel by itself when absent. */
  readonly groups?: number;
  readonly affine?: ChannelWeights;
  readonly eps: number;
}

/**
 * (x - mean) / √(variance + eps) · weight + bias, mean and variance being those of a group of channels at all times
 * (Wu and He, 2018, arXiv 1803.08494). x: (B, T, C). Result: the same.
 */
export function groupNorm(x: Tensor, { groups, affine, eps }: GroupNormOptions): Tensor {
  const [size, channels] = [elements(x.shape), x.size(-1)];
  const all = groups ?? channels;
  const sums = fold(x, { kind: 'sum', groups: all });
  const squares = fold(x, { kind: 'squares', groups: all, sums });
  const params = { size, channels, groups: all, length: size / x.size(0) / all, eps };
  const values = { x, sums, squares, params };
  const y = normalized(values, affine);
  x.recording.differentiate({
    op: 'group-norm',
    output: y,
    inputs: [x, affine?.weight, affine?.bias],
    trace: { ...values, affine },
  } satisfies GroupNormEntry);
  return y;
}

/** The values at zero mean and unit variance, scaled and shifted where that is given. */
export function normalized(
  { x, sums, squares, params }: GroupedValues,
  affine: ChannelWeights | undefined,
): Tensor {
  const y = x.recording.transient(`${x.label}, normalized`, x.shape);
  x.recording.dispatch({
    kernel: groupNormKernel,
    bindings: { x, sums, squares, weight: affine?.weight, bias: affine?.bias, y },
    params,
    constants: { HAS_AFFINE: affine !== undefined },
    workgroups: Math.ceil(params.size / 64),
  });
  return y;
}
