// Scaling and soft bounds of whole tensors.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { forRows, transientLike } from '../../runtime/parts.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { elementForm, inBothWidths } from './element-kernel.ts';
import text from './rescale.wgsl?raw';
import { tanh, workgroup } from '../snippets.ts';
import type { Traced } from '../traces.ts';

const forms = inBothWidths(
  {
    name: 'rescale',
    code: [workgroup, tanh, { file: 'rescale.wgsl', text }],
    bindings: { x: 'read', y: 'write' },
    params: { size: 'u32', factor: 'f32' },
    constants: { BOUNDED: [false, true] },
  },
  kernel,
);

export const rescaleKernels: readonly Kernel[] = [forms.singly, forms.fours];

/** x · factor. */
export function scale(x: Tensor, factor: number): Tensor {
  return factor === 1 ? x : rescale(x, factor, false);
}

/** bound · tanh(x / bound), Gemma 2, arXiv 2408.00118, §2. */
export function softBound(x: Tensor, bound: number): Tensor {
  return rescale(x, bound, true);
}

function rescale(x: Tensor, factor: number, bounded: boolean): Tensor {
  const y = transientLike(x);
  forRows(x, (part, rows) => {
    const size = elements(part.shape);
    x.recording.dispatch({
      ...elementForm(forms, size),
      bindings: { x: part, y: rows(y) },
      params: { size, factor },
      constants: { BOUNDED: bounded },
    });
  });
  x.recording.differentiate({
    op: 'rescale',
    output: y,
    inputs: [x],
    trace: { x, factor, bounded },
  } satisfies Traced<'rescale'>);
  return y;
}
