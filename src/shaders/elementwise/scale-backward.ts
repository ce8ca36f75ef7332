// The gradients of scaling and of capping.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { forRows, transientLike } from '../../runtime/parts.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';
import { elementForm, inBothWidths } from './element-kernel.ts';
import { scale, type ScaleEntry } from './scale.ts';
import text from './soft-cap-backward.wgsl?raw';

const forms = inBothWidths(
  {
    name: 'soft-cap-backward',
    code: [workgroup, { file: 'soft-cap-backward.wgsl', text }],
    bindings: { y: 'read', dy: 'read', dx: 'write' },
    params: { size: 'u32', factor: 'f32' },
  },
  kernel,
);

export const scaleBackwardKernels: readonly Kernel[] = [forms.singly, forms.fours];

/** dy · factor; or where y was capped, dy · (1 - (y / cap)²). */
export const scaleBackward: Rule<ScaleEntry> = ({ output: y, trace }, dy) => {
  const { x, factor, capped } = trace;
  return [[x, () => (capped ? throughCap(y, dy, factor) : scale(dy, factor))]];
};

/** The gradient of what was capped to y. */
export function throughCap(y: Tensor, dy: Tensor, cap: number): Tensor {
  const dx = transientLike(dy);
  forRows(dy, (part, rows) => {
    const size = elements(part.shape);
    dy.recording.dispatch({
      ...elementForm(forms, size),
      bindings: { y: rows(y), dy: part, dx: rows(dx) },
      params: { size, factor: cap },
    });
  });
  return dx;
}
