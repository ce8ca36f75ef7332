// Rows brought to the magnitude of others.

import type { Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';
import type { Scalars, Traced } from '../traces.ts';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';

/** The scalars there and back. */
export const matchMagnitudeParams = { rows: 'u32', columns: 'u32', least: 'f32' } as const;

const forms = rowKernel({
  name: 'match-magnitude',
  code: [
    workgroup,
    { file: 'match-magnitude.wgsl', text: late(() => import('./match-magnitude.wgsl?raw')) },
  ],
  bindings: { x: 'read', like: 'read', y: 'write' },
  params: matchMagnitudeParams,
});

export const matchMagnitudeKernels: readonly Kernel[] = allForms(forms);

export type MatchMagnitudeEntry = Traced<
  'match-magnitude',
  {
    readonly x: Tensor;
    readonly like: Tensor;
    readonly params: Scalars<typeof matchMagnitudeParams>;
  }
>;

/**
 * x · √(mean like²) / √max(mean x², least) along the last axis: rows as large as those of `like`. x, like and result:
 * (…, columns).
 */
export function matchMagnitude(x: Tensor, like: Tensor, least: number): Tensor {
  const { recording } = x;
  const columns = x.size(-1);
  const params = { rows: elements(x.shape) / columns, columns, least };
  const y = recording.transient(`${x.label}, matched`, x.shape);
  recording.dispatch({
    ...rowForm(forms, recording.gpu, params.rows),
    bindings: { x, like, y },
    params,
  });
  recording.differentiate({
    op: 'match-magnitude',
    output: y,
    inputs: [x, like],
    trace: { x, like, params },
  } satisfies MatchMagnitudeEntry);
  return y;
}
