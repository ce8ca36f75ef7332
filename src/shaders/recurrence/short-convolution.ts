// Convolutions of each channel by itself over few tokens: of LFM2 (arXiv 2511.23404, §2), and before a delta rule.

import { TransformerError } from '../../runtime/errors.ts';
import { kernel, type Kernel, type Snippet } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { type Activation, activationCodes } from '../matmul/matmul-kernels.ts';
import { activation, element1, late, tanh, workgroup } from '../snippets.ts';
import type { Traced } from '../traces.ts';
import {
  memoryParams,
  memorySizes,
  memorySwitches,
  memoryTable,
  type TokenMemory,
  tokenMemory,
} from './token-memory.ts';

/** What is seen of a token: of its params and of x. */
export const convolutionInput: Snippet = {
  file: 'convolution-input.wgsl',
  text: late(() => import('./convolution-input.wgsl?raw')),
};

const convolutionKernel = kernel({
  name: 'short-convolution',
  code: [
    workgroup,
    element1,
    tanh,
    activation,
    tokenMemory,
    convolutionInput,
    {
      file: 'short-convolution.wgsl',
      text: late(() => import('./short-convolution.wgsl?raw')),
    },
  ],
  bindings: {
    x: 'read',
    weight: 'read',
    bias: 'read',
    place: 'read',
    table: 'read',
    cache: 'write',
    y: 'write',
  },
  params: { ...memoryParams, channels: 'u32', pitch: 'u32', size: 'u32' },
  constants: {
    ACTIVATION: Object.values(activationCodes),
    CACHED: [false, true],
    GATED: [false, true],
    HAS_BIAS: [false, true],
    ...memorySwitches,
  },
});

const keepKernel = kernel({
  name: 'keep-inputs',
  code: [
    workgroup,
    tokenMemory,
    convolutionInput,
    { file: 'keep-inputs.wgsl', text: late(() => import('./keep-inputs.wgsl?raw')) },
  ],
  bindings: { x: 'read', place: 'read', table: 'read', cache: 'write' },
  params: { ...memoryParams, channels: 'u32', pitch: 'u32' },
  constants: { GATED: [false, true], ...memorySwitches },
});

export const shortConvolutionKernels: readonly Kernel[] = [convolutionKernel, keepKernel];

export interface ShortConvolution {
  /** (channels, size) f32: the last column is that of the token itself */
  readonly weight: Tensor;
  /** (channels) */
  readonly bias?: Tensor | undefined;
  /** Whether a token of x has three parts, B, C and x, of which y is C · (w ∗ (B · x) + b). */
  readonly isGated?: boolean;
  /** Of the sum, before the gate; none when absent. */
  readonly activation?: Activation;
}

export type ShortConvolutionEntry = Traced<
  'short-convolution',
  {
    readonly x: Tensor;
    readonly weight: Tensor;
    readonly bias: Tensor | undefined;
    readonly constants: {
      readonly ACTIVATION: number;
      readonly GATED: boolean;
      readonly HAS_BIAS: boolean;
    };
  }
>;

/**
 * activation(w ∗ x + b) over each token and those before it, channel by channel. x: (B, T, …), of which the first
 * columns count: `channels`, or three times as many where it is gated. Result: (B, T, channels). With a memory, of `size`
 * places, the tokens go on from what it holds, and join it.
 * @throws TransformerError TENSOR_MISMATCH when sizes do not fit together
 */
export function shortConvolution(
  x: Tensor,
  { weight, bias, isGated = false, activation: name = 'none' }: ShortConvolution,
  memory?: TokenMemory,
): Tensor {
  const { recording } = x;
  const [channels, size] = [weight.size(0), weight.size(1)];
  const columns = channels * (isGated ? 3 : 1);
  if (x.size(-1) < columns) {
    throw new TransformerError(
      'TENSOR_MISMATCH',
      `shortConvolution: ${x.describe()} should have ${columns} columns for ${weight.describe()}.`,
    );
  }
  const sizes = memorySizes(x.shape, memory, { places: size, width: channels });
  const { cache, place } = memory ?? {};
  const { table, OWNED } = memoryTable(memory);
  const params = { ...sizes, channels, pitch: x.size(-1) };
  const y = recording.transient('convolution', [x.size(0), x.size(1), channels]);
  const workgroups = Math.ceil(elements(y.shape) / 64);
  const constants = {
    ACTIVATION: activationCodes[name],
    GATED: isGated,
    HAS_BIAS: bias !== undefined,
  };
  recording.dispatch({
    kernel: convolutionKernel,
    bindings: { x, weight, bias, place, table, cache, y },
    params: { ...params, size },
    constants: { ...constants, CACHED: memory !== undefined, OWNED },
    workgroups,
  });
  if (memory === undefined) {
    // What memories hold is computed with, not trained.
    recording.differentiate({
      op: 'short-convolution',
      output: y,
      inputs: [x, weight, bias],
      trace: { x, weight, bias, constants },
    } satisfies ShortConvolutionEntry);
  }
  // What several see must not be replaced while they see it.
  if (cache !== undefined && place !== undefined && x.size(1) > 1) {
    recording.dispatch({
      kernel: keepKernel,
      bindings: { x, place, table, cache },
      params,
      constants: { GATED: isGated, OWNED },
      workgroups,
    });
  }
  return y;
}
