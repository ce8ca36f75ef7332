// Scaling and capping of whole tensors.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { forRows, transientLike } from '../../runtime/parts.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { elementForm, inBothWidths } from './element-kernel.ts';
import text from './scale.wgsl?raw';
import { tanh, workgroup } from '../snippets.ts';
import type { Traced } from '../traces.ts';

const forms = inBothWidths(
  {
    name: 'scale',
    code: [workgroup, tanh, { file: 'scale.wgsl', text }],
    bindings: { x: 'read', y: 'write' },
    params: { size: 'u32', factor: 'f32' },
    constants: { CAPPED: [false, true] },
  },
  kernel,
);

export const scaleKernels: readonly Kernel[] = [forms.singly, forms.fours];

export type ScaleEntry = Traced<
  'scale',
  { readonly x: Tensor; readonly factor: number; readonly capped: boolean }
>;

/** x · factor. */
export function scale(x: Tensor, factor: number): Tensor {
  return factor === 1 ? x : scaledOrCapped(x, factor, false);
}

/** cap · tanh(x / cap), Gemma 2, arXiv 2408.00118, §2. */
export function softCap(x: Tensor, cap: number): Tensor {
  return scaledOrCapped(x, cap, true);
}

function scaledOrCapped(x: Tensor, factor: number, capped: boolean): Tensor {
  const y = transientLike(x);
  forRows(x, (part, rows) => {
    const size = elements(part.shape);
    x.recording.dispatch({
      ...elementForm(forms, size),
      bindings: { x: part, y: rows(y) },
      params: { size, factor },
      constants: { CAPPED: capped },
    });
  });
  x.recording.differentiate({
    op: 'scale',
    output: y,
    inputs: [x],
    trace: { x, factor, capped },
  } satisfies ScaleEntry);
  return y;
}
