// Streams of each token that take shares of others.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';
import type { Scalars, Traced } from '../traces.ts';

/** The scalars there and back. */
export const mixStreamsParams = {
  size: 'u32',
  columns: 'u32',
  streams: 'u32',
  others: 'u32',
  first: 'u32',
  offset: 'f32',
} as const;

const mixStreamsKernel = kernel({
  name: 'mix-streams',
  code: [
    workgroup,
    { file: 'mix-streams.wgsl', text: late(() => import('./mix-streams.wgsl?raw')) },
  ],
  bindings: { x: 'read', others: 'read', coefficients: 'read', y: 'write' },
  params: mixStreamsParams,
  constants: { HAS_COEFFICIENTS: [false, true] },
});

export const mixStreamsKernels: readonly Kernel[] = [mixStreamsKernel];

export type MixStreamsEntry = Traced<
  'mix-streams',
  {
    readonly x: Tensor;
    readonly others: Tensor;
    readonly coefficients: Tensor | undefined;
    readonly params: Scalars<typeof mixStreamsParams>;
  }
>;

export interface MixStreamsOptions {
  /** Columns of a stream. */
  readonly columns: number;
  /** (B, T, streams · others); 0 when absent */
  readonly coefficients?: Tensor;
  /** Added to each of them; 0 when absent. */
  readonly offset?: number;
  /** The first stream that takes shares; those before stay as they are. 0 when absent. */
  readonly first?: number;
}

/**
 * y[i] = x[i] + Σ (offset + coefficients[i, p]) · others[p] over p, for each token: the prediction of "Alternating
 * Updates for Efficient Transformers" (Baykal et al., 2023, arXiv 2301.13310, algorithm 1), and its correction. x and result:
 * (B, T, streams · columns); others: (B, T, others · columns).
 */
export function mixStreams(
  x: Tensor,
  others: Tensor,
  { columns, coefficients, offset = 0, first = 0 }: MixStreamsOptions,
): Tensor {
  const { recording } = x;
  const params = {
    size: elements(x.shape),
    columns,
    streams: x.size(-1) / columns,
    others: others.size(-1) / columns,
    first,
    offset,
  };
  const y = recording.transient('streams', x.shape);
  recording.dispatch({
    kernel: mixStreamsKernel,
    bindings: { x, others, coefficients, y },
    params,
    constants: { HAS_COEFFICIENTS: coefficients !== undefined },
    workgroups: Math.ceil(params.size / 64),
  });
  recording.differentiate({
    op: 'mix-streams',
    output: y,
    inputs: [x, others, coefficients],
    trace: { x, others, coefficients, params },
  } satisfies MixStreamsEntry);
  return y;
}
