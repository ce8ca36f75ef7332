// Sums of columns, and of all elements, in stages of fixed order.

import { kernel, type Kernel } from '../../../runtime/kernel.ts';
import { add } from '../../elementwise/add.ts';
import { elements, type Tensor } from '../../../runtime/tensor.ts';
import text from './column-sum.wgsl?raw';
import { elementForm, inBothWidths } from '../../elementwise/element-kernel.ts';
import { workgroup } from '../../snippets.ts';

const forms = inBothWidths(
  {
    name: 'column-sum',
    code: [workgroup, { file: 'column-sum.wgsl', text }],
    bindings: { x: 'read', y: 'write' },
    params: { rows: 'u32', columns: 'u32', chunk: 'u32' },
  },
  kernel,
);

export const columnSumKernels: readonly Kernel[] = [forms.singly, forms.fours];

/** Rows that one invocation sums. */
const chunk = 64;

/** The sum of all rows, in two stages of fixed order. x: rows of what has `shape`, (columns) when absent. */
export function columnSum(
  x: Tensor,
  label: string,
  shape: readonly number[] = [x.size(-1)],
): Tensor {
  return (x.parts ?? [x])
    .map((part) => sumRows(part, shape, label))
    .reduce((sum, part) => add(sum, part));
}

/** The sum of all elements, in stages of fixed order. Result: (1). */
export function total(x: Tensor, label: string): Tensor {
  return sumRows(x, [1], label);
}

/** x as rows of a shape, summed. */
function sumRows(x: Tensor, shape: readonly number[], label: string): Tensor {
  const { recording } = x;
  const columns = elements(shape);
  const sum = (rows: Tensor, count: number, size: number, name: string): Tensor => {
    const chunks = Math.ceil(count / size);
    const y = recording.transient(name, chunks === 1 ? shape : [chunks, columns]);
    recording.dispatch({
      ...elementForm(forms, chunks * columns, columns),
      bindings: { x: rows, y },
      params: { rows: count, columns, chunk: size },
    });
    return y;
  };
  const rows = elements(x.shape) / columns;
  if (rows <= chunk) return sum(x, rows, rows, label);
  const chunks = Math.ceil(rows / chunk);
  return sum(sum(x, rows, chunk, `${label}, in chunks`), chunks, chunks, label);
}
