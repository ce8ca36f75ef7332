// Columns multiplied by factors of their own.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { forRows, rowsOf, transientLike } from '../../runtime/parts.ts';
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
  params: { size: 'u32', columns: 'u32', first: 'u32', pitch: 'u32' },
  constants: { HAS_RESIDUAL: [false, true] },
});

export const columnScaleKernels: readonly Kernel[] = [columnScaleKernel];

export type ColumnScaleEntry = Traced<
  'column-scale',
  { readonly x: Tensor; readonly factor: Tensor; readonly residual: Tensor | undefined }
>;

export type ColumnProductEntry = Traced<
  'column-product',
  { readonly x: Tensor; readonly beside: Tensor; readonly first: number }
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

/**
 * x · as many columns of `beside`, those from `first` on. x and result: (…, columns), beside: (…, others), of as many
 * rows.
 */
export function columnProduct(x: Tensor, beside: Tensor, first: number, label: string): Tensor {
  const y = multiplied(x, beside, { label, first });
  x.recording.differentiate({
    op: 'column-product',
    output: y,
    inputs: [x, beside],
    trace: { x, beside, first },
  } satisfies ColumnProductEntry);
  return y;
}

interface ProductOptions extends ScaleOptions {
  readonly label: string;
  /** Which columns of the rows of factors are taken: those from this on, where there is one for each element. */
  readonly first?: number;
}

/** x times a factor for each column, or one for each element. */
export function multiplied(
  x: Tensor,
  factor: Tensor,
  { label, residual, recording = x.recording, first }: ProductOptions,
): Tensor {
  const y = transientLike(x, { label, recording });
  const isEach = first !== undefined || !isByColumn(x, factor);
  const columns = isEach ? x.size(-1) : elements(factor.shape);
  const pitch = isEach ? elements(factor.shape) / rowsOf(x) : 0;
  forRows(x, (part, rows) => {
    const size = elements(part.shape);
    recording.dispatch({
      kernel: columnScaleKernel,
      bindings: {
        x: part,
        factor: isEach ? rows(factor) : factor,
        residual: residual && rows(residual),
        y: rows(y),
      },
      params: { size, columns, first: first ?? 0, pitch },
      constants: { HAS_RESIDUAL: residual !== undefined },
      workgroups: Math.ceil(size / 64),
    });
  });
  return y;
}
