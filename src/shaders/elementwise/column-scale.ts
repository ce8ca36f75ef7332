// Columns multiplied by factors of their own.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { forRows, transientLike } from '../../runtime/parts.ts';
import type { Recording } from '../../runtime/record.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';
import type { Traced } from '../traces.ts';

const columnScaleKernel = kernel({
  name: 'column-scale',
  code: [
    workgroup,
    { file: 'column-scale.wgsl', text: late(() => import('./column-scale.wgsl?raw')) },
  ],
  bindings: { x: 'read', factor: 'read', residual: 'read', y: 'write' },
  params: { size: 'u32', columns: 'u32' },
  constants: { EACH: [false, true], HAS_RESIDUAL: [false, true] },
});

export const columnScaleKernels: readonly Kernel[] = [columnScaleKernel];

export type ColumnScaleEntry = Traced<
  'column-scale',
  { readonly x: Tensor; readonly factor: Tensor; readonly residual: Tensor | undefined }
>;

interface ScaleOptions {
  readonly residual?: Tensor | undefined;
  /** Of x, unless that is a weight. */
  readonly recording?: Recording;
}

/**
 * x · factor + residual. x: (…, columns), factor: (columns), or a divisor of them, after which it begins again.
 * LayerScale, "Going deeper with Image Transformers" (Touvron et al., 2021, arXiv 2103.17239), §2.
 */
export function columnScale(x: Tensor, factor: Tensor, options: ScaleOptions = {}): Tensor {
  const { residual, recording = x.recording } = options;
  if (!isByColumn(x, factor)) {
    throw new RangeError(`columnScale: ${factor.describe()} for columns of ${x.describe()}`);
  }
  const y = multiplied(x, factor, { label: x.label, residual, recording });
  recording.differentiate({
    op: 'column-scale',
    output: y,
    inputs: [x, factor, residual],
    trace: { x, factor, residual },
  } satisfies ColumnScaleEntry);
  return y;
}

function isByColumn(x: Tensor, factor: Tensor): boolean {
  return x.size(-1) % elements(factor.shape) === 0;
}

/** x times a factor for each column, or one for each element. */
export function multiplied(
  x: Tensor,
  factor: Tensor,
  { label, residual, recording = x.recording }: ScaleOptions & { readonly label: string },
): Tensor {
  const y = transientLike(x, { label, recording });
  const EACH = !isByColumn(x, factor);
  const columns = EACH ? x.size(-1) : elements(factor.shape);
  forRows(x, (part, rows) => {
    const size = elements(part.shape);
    recording.dispatch({
      kernel: columnScaleKernel,
      bindings: {
        x: part,
        factor: EACH ? rows(factor) : factor,
        residual: residual && rows(residual),
        y: rows(y),
      },
      params: { size, columns },
      constants: { EACH, HAS_RESIDUAL: residual !== undefined },
      workgroups: Math.ceil(size / 64),
    });
  });
  return y;
}
