// Some columns of a tensor, on their own.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';
import type { Scalars, Traced } from '../traces.ts';
import { joinColumnsParams } from './join-columns.ts';

const takeColumnsKernel = kernel({
  name: 'take-columns',
  code: [
    workgroup,
    { file: 'take-columns.wgsl', text: late(() => import('./take-columns.wgsl?raw')) },
  ],
  bindings: { x: 'read', y: 'write' },
  params: joinColumnsParams,
});

export const takeColumnsKernels: readonly Kernel[] = [takeColumnsKernel];

/** What is taken of rows of `all` columns: as many as `columns`, from the `first` on. */
export type TakenColumns = Scalars<typeof joinColumnsParams>;

export type TakeColumnsEntry = Traced<
  'take-columns',
  { readonly x: Tensor; readonly params: TakenColumns }
>;

/** As many columns of x as `columns`, from the `first` on: (…, C) to (…, columns). */
export function takeColumns(x: Tensor, first: number, columns: number, label: string): Tensor {
  const shape = [...x.shape.slice(0, -1), columns];
  const params = { size: elements(shape), columns, first, all: x.size(-1) };
  const y = taken(x, params, { label, shape });
  x.recording.differentiate({
    op: 'take-columns',
    output: y,
    inputs: [x],
    trace: { x, params },
  } satisfies TakeColumnsEntry);
  return y;
}

/** The same, not on the tape. */
export function taken(
  x: Tensor,
  params: TakenColumns,
  { label, shape }: Pick<Tensor, 'label' | 'shape'>,
): Tensor {
  const y = x.recording.transient(label, shape);
  x.recording.dispatch({
    kernel: takeColumnsKernel,
    bindings: { x, y },
    params,
    workgroups: Math.ceil(params.size / 64),
  });
  return y;
}
