// Dropout: elements become 0 at random while training.

import { TransformerError } from '../../runtime/errors.ts';
import { kernel, type Kernel } from '../../runtime/kernel.ts';
import type { Recording } from '../../runtime/record.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { add } from './add.ts';
import { late, random, workgroup } from '../snippets.ts';
import type { Scalars, Traced } from '../traces.ts';

const scalars = {
  size: 'u32',
  together: 'u32',
  site: 'u32',
  drop_below: 'u32',
  keep_scale: 'f32',
} as const;

const dropoutKernel = kernel({
  name: 'dropout',
  code: [
    workgroup,
    random,
    { file: 'dropout.wgsl', text: late(() => import('./dropout.wgsl?raw')) },
  ],
  bindings: { x: 'read', residual: 'read', random: 'read', y: 'write' },
  params: scalars,
  constants: { HAS_RESIDUAL: [false, true] },
});

export const dropoutKernels: readonly Kernel[] = [dropoutKernel];

export type DropoutEntry = Traced<
  'dropout',
  {
    readonly x: Tensor;
    readonly residual: Tensor | undefined;
    readonly params: Scalars<typeof scalars>;
  }
>;

/**
 * Whether a recording drops elements at this rate: it must have random numbers.
 * @throws TransformerError OPTION_INVALID when the rate is below 0, or not below 1.
 */
export function drops({ random: numbers }: Recording, rate: number): boolean {
  if (!(rate >= 0 && rate < 1)) {
    throw new TransformerError(
      'OPTION_INVALID',
      `A dropout rate is at least 0 and below 1, got ${rate}. Use 0 for no dropout.`,
    );
  }
  return numbers !== undefined && rate > 0;
}

/** The scalars of kernels that drop elements, each with random numbers of its own. */
export interface DropoutParams {
  readonly site: number;
  /** Elements whose random bits are less are dropped: rate · 2³². */
  readonly drop_below: number;
  /** What is kept is multiplied by 1 / (1 - rate), so that the expected value stays. */
  readonly keep_scale: number;
}

/** The next site's scalars; those of no dropout where the recording drops nothing. */
export function dropoutParams(recording: Recording, rate: number): DropoutParams {
  if (!drops(recording, rate)) return { site: 0, drop_below: 0, keep_scale: 1 };
  const below = Math.min(2 ** 32 - 1, Math.round(rate * 2 ** 32));
  return { site: recording.nextSite(), drop_below: below, keep_scale: 1 / (1 - rate) };
}

interface DropoutOptions {
  /** Added to what is kept. */
  readonly residual?: Tensor;
  /** Elements in a row that are dropped or kept together; 1 when absent. */
  readonly together?: number;
}

/**
 * x with elements set to 0 at this rate and the others scaled up, plus `residual`; the same shape.
 * Just x (+ residual) where the recording has no random numbers, as at inference.
 * "Attention Is All You Need", §5.4; Srivastava et al., JMLR 15 (2014), §4.
 */
export function dropout(x: Tensor, rate: number, options: DropoutOptions = {}): Tensor {
  const { recording } = x;
  const { residual, together = 1 } = options;
  if (!drops(recording, rate)) return residual === undefined ? x : add(x, residual);
  const size = elements(x.shape);
  if (residual !== undefined && elements(residual.shape) !== size) {
    throw new RangeError(`dropout: ${x.describe()} and ${residual.describe()} differ in size`);
  }
  const params = { size, together, ...dropoutParams(recording, rate) };
  const y = drop(x, x.label, params, residual);
  recording.differentiate({
    op: 'dropout',
    output: y,
    inputs: [x, residual],
    trace: { x, residual, params },
  } satisfies DropoutEntry);
  return y;
}

/** Drops elements of x, or of its gradient, by the random numbers of these scalars. */
export function drop(
  x: Tensor,
  label: string,
  params: DropoutEntry['trace']['params'],
  residual?: Tensor,
): Tensor {
  const { recording } = x;
  const y = recording.transient(label, x.shape);
  recording.dispatch({
    kernel: dropoutKernel,
    bindings: { x, residual, random: recording.random, y },
    params: { ...params },
    constants: { HAS_RESIDUAL: residual !== undefined },
    workgroups: Math.ceil(params.size / 64),
  });
  return y;
}

/**
 * Stochastic depth: what a sub-layer adds to `residual` is dropped at this rate for whole samples of the batch, and scaled up
 * for the others. x, residual and the result: (B, …). "Deep Networks with Stochastic Depth" (Huang et al. 2016, arXiv
 * 1603.09382), §3. Departs from the paper, as most implementations do: each sample is drawn by itself, and what is kept is
 * scaled in training.
 */
export function dropPath(x: Tensor, rate: number, residual: Tensor): Tensor {
  return dropout(x, rate, { residual, together: elements(x.shape) / x.size(0) });
}
