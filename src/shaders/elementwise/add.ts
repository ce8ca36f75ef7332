// The sum of two tensors.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { forRows, transientLike } from '../../runtime/parts.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import text from './add.wgsl?raw';
import { elementForm, inBothWidths } from './element-kernel.ts';
import { workgroup } from '../snippets.ts';

const forms = inBothWidths(
  {
    name: 'add',
    code: [workgroup, { file: 'add.wgsl', text }],
    bindings: { a: 'read', b: 'read', y: 'write' },
    params: { size: 'u32' },
  },
  kernel,
);

export const elementwiseKernels: readonly Kernel[] = [forms.singly, forms.fours];

/** a + b, of the same shape. */
export function add(a: Tensor, b: Tensor): Tensor {
  const { recording } = a;
  const size = elements(a.shape);
  if (elements(b.shape) !== size) {
    throw new RangeError(`add: ${a.describe()} and ${b.describe()} differ in size`);
  }
  const y = transientLike(a, { recording });
  forRows(a, (part, rows) => {
    const own = elements(part.shape);
    recording.dispatch({
      ...elementForm(forms, own),
      bindings: { a: part, b: rows(b), y: rows(y) },
      params: { size: own },
    });
  });
  recording.differentiate({ op: 'add', output: y, inputs: [a, b] });
  return y;
}
