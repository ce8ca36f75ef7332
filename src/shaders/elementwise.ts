// Small kernels that gradients are made of: sum of two tensors, transpose, sums of columns.

import { kernel, type Kernel } from '../runtime/kernel.ts';
import { elements, type Tensor } from '../runtime/tensor.ts';
import addText from './add.wgsl?raw';
import columnSumText from './column-sum.wgsl?raw';
import { elementForm, formOfWidth, inBothWidths, widthOf } from './element-kernel.ts';
import { workgroup } from './snippets.ts';
import transposeText from './transpose.wgsl?raw';

const addForms = inBothWidths(
  {
    name: 'add',
    code: [workgroup, { file: 'add.wgsl', text: addText }],
    bindings: { a: 'read', b: 'read', y: 'write' },
    params: { size: 'u32' },
  },
  kernel,
);

const transposeKernel = kernel({
  name: 'transpose',
  entry: 'transpose_all',
  code: [workgroup, { file: 'transpose.wgsl', text: transposeText }],
  bindings: { x: 'read', y: 'write' },
  params: { batches: 'u32', rows: 'u32', columns: 'u32' },
});

const columnSumForms = inBothWidths(
  {
    name: 'column-sum',
    code: [workgroup, { file: 'column-sum.wgsl', text: columnSumText }],
    bindings: { x: 'read', y: 'write' },
    params: { rows: 'u32', columns: 'u32', chunk: 'u32' },
  },
  kernel,
);

export const elementwiseKernels: readonly Kernel[] = [
  addForms.singly,
  addForms.fours,
  transposeKernel,
  columnSumForms.singly,
  columnSumForms.fours,
];

/** a + b, of the same shape. */
export function add(a: Tensor, b: Tensor): Tensor {
  const { recording } = a;
  const size = elements(a.shape);
  if (elements(b.shape) !== size) {
    throw new RangeError(`add: ${a.describe()} and ${b.describe()} differ in size`);
  }
  const y = recording.transient(a.label, a.shape);
  recording.dispatch({
    ...elementForm(addForms, size),
    bindings: { a, b, y },
    params: { size },
  });
  recording.differentiate({
    output: y,
    inputs: [a, b],
    backward: (dy) => [
      [a, () => dy],
      [b, () => dy],
    ],
  });
  return y;
}

/** xᵀ of each of the batches. x: batches · rows · columns elements. Result: (batches, columns, rows). */
export function transpose(
  x: Tensor,
  { batches, rows, columns }: { batches: number; rows: number; columns: number },
): Tensor {
  const y = x.recording.transient(`${x.label} transposed`, [batches, columns, rows]);
  x.recording.dispatch({
    kernel: transposeKernel,
    bindings: { x, y },
    params: { batches, rows, columns },
    workgroups: Math.ceil(elements(y.shape) / 64),
  });
  return y;
}

/** Rows that one invocation sums. */
const chunk = 64;

/** The sum of all rows, in two stages of fixed order. x: (…, columns). Result: (columns). */
export function columnSum(x: Tensor, label: string): Tensor {
  return sumRows(x, x.size(-1), label);
}

/** The sum of all elements, in stages of fixed order. Result: (1). */
export function total(x: Tensor, label: string): Tensor {
  return sumRows(x, 1, label);
}

/** x as rows of `columns`, summed. Result: (columns). */
function sumRows(x: Tensor, columns: number, label: string): Tensor {
  const { recording } = x;
  const width = widthOf(columns);
  const sum = (rows: Tensor, count: number, size: number, name: string): Tensor => {
    const chunks = Math.ceil(count / size);
    const y = recording.transient(name, chunks === 1 ? [columns] : [chunks, columns]);
    recording.dispatch({
      kernel: formOfWidth(columnSumForms, width),
      bindings: { x: rows, y },
      params: { rows: count, columns, chunk: size },
      workgroups: Math.ceil((chunks * columns) / width / 64),
    });
    return y;
  };
  const rows = elements(x.shape) / columns;
  if (rows <= chunk) return sum(x, rows, rows, label);
  const chunks = Math.ceil(rows / chunk);
  return sum(sum(x, rows, chunk, `${label}, in chunks`), chunks, chunks, label);
}
