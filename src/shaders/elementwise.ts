// The sum of two tensors.

import { kernel, type Kernel } from '../runtime/kernel.ts';
import { elements, type Tensor } from '../runtime/tensor.ts';
import text from './add.wgsl?raw';
import { elementForm, inBothWidths } from './element-kernel.ts';
import { workgroup } from './snippets.ts';

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
  const y = recording.transient(a.label, a.shape);
  recording.dispatch({
    ...elementForm(forms, size),
    bindings: { a, b, y },
    params: { size },
  });
  recording.differentiate({ op: 'add', output: y, inputs: [a, b] });
  return y;
}
