// What stands above a cutoff that follows from the mean and the deviation of a row.

import type { Kernel, Snippet } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';
import type { Scalars, Traced } from '../traces.ts';
import { allForms, rowForm, rowKernel } from './row-kernel.ts';

/** The scalars there and back. */
export const gaussianTopKParams = { rows: 'u32', columns: 'u32', deviations: 'f32' } as const;

/** The mean and the deviation of a row of x. */
export const rowMoments: Snippet = {
  file: 'row-moments.wgsl',
  text: late(() => import('./row-moments.wgsl?raw')),
};

const forms = rowKernel({
  name: 'gaussian-top-k',
  code: [
    workgroup,
    rowMoments,
    { file: 'gaussian-top-k.wgsl', text: late(() => import('./gaussian-top-k.wgsl?raw')) },
  ],
  bindings: { x: 'read', y: 'write' },
  params: gaussianTopKParams,
});

export const gaussianTopKKernels: readonly Kernel[] = allForms(forms);

export type GaussianTopKEntry = Traced<
  'gaussian-top-k',
  { readonly x: Tensor; readonly params: Scalars<typeof gaussianTopKParams> }
>;

/**
 * max(0, x - (mean + deviations · std)) along the last axis: "statistical top-k", Spark Transformer (You et al., 2025,
 * arXiv 2506.06644). x and result: (…, columns).
 */
export function gaussianTopK(x: Tensor, deviations: number): Tensor {
  const { recording } = x;
  const columns = x.size(-1);
  const params = { rows: elements(x.shape) / columns, columns, deviations };
  const y = recording.transient(`${x.label}, cut`, x.shape);
  recording.dispatch({
    ...rowForm(forms, recording.gpu, params.rows, 3 * columns),
    bindings: { x, y },
    params,
  });
  recording.differentiate({
    op: 'gaussian-top-k',
    output: y,
    inputs: [x],
    trace: { x, params },
  } satisfies GaussianTopKEntry);
  return y;
}
