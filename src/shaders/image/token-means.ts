// What single tokens, or many of them together, say of a sequence.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';
import type { Scalars, Traced } from '../traces.ts';

/** The scalars there and back. */
export const meansParams = {
  batches: 'u32',
  tokens: 'u32',
  columns: 'u32',
  ranges: 'u32',
  first: 'u32',
  count: 'u32',
  second: 'u32',
  second_count: 'u32',
} as const;

const meansKernel = kernel({
  name: 'token-means',
  code: [
    workgroup,
    { file: 'token-means.wgsl', text: late(() => import('./token-means.wgsl?raw')) },
  ],
  bindings: { x: 'read', y: 'write' },
  params: meansParams,
});

export const tokenMeansKernels: readonly Kernel[] = [meansKernel];

export type TokenMeansEntry = Traced<
  'token-means',
  { readonly x: Tensor; readonly params: Scalars<typeof meansParams> }
>;

/** Tokens from `first` on, so many. */
export interface TokenRange {
  readonly first: number;
  readonly count: number;
}

/** x (B, T, d_model) to (B, ranges · d_model): the mean of the tokens of each range. */
export function tokenMeans(x: Tensor, range: TokenRange, other?: TokenRange): Tensor {
  const [batches = 0, tokens = 0, columns = 0] = x.shape;
  const all = other === undefined ? [range] : [range, other];
  for (const { first, count } of all) {
    if (count < 1 || first + count > tokens) {
      throw new RangeError(`tokenMeans: ${count} tokens from ${first} on of ${x.describe()}`);
    }
  }
  const params = {
    batches,
    tokens,
    columns,
    ranges: all.length,
    first: range.first,
    count: range.count,
    second: other?.first ?? 0,
    second_count: other?.count ?? 1,
  };
  const y = x.recording.transient('means of tokens', [batches, all.length * columns]);
  x.recording.dispatch({
    kernel: meansKernel,
    bindings: { x, y },
    params,
    workgroups: Math.ceil((batches * all.length * columns) / 64),
  });
  x.recording.differentiate({
    op: 'token-means',
    output: y,
    inputs: [x],
    trace: { x, params },
  } satisfies TokenMeansEntry);
  return y;
}
