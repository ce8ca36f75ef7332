// The gradient of gated linear units.

import { kernel, type Kernel } from '../../../runtime/kernel.ts';
import { elements, type Tensor } from '../../../runtime/tensor.ts';
import { derivative } from './activate-backward.ts';
import { elementForm, inBothWidths } from '../../elementwise/element-kernel.ts';
import text from './gated-backward.wgsl?raw';
import { activationCodes } from '../matmul-kernels.ts';
import { activation, tanh, workgroup } from '../../snippets.ts';
import { type GatedEntry, gatedParams } from './gated.ts';
import type { Rule } from '../../traces.ts';

const forms = inBothWidths(
  {
    name: 'gated-backward',
    code: [workgroup, tanh, activation, derivative, { file: 'gated-backward.wgsl', text }],
    bindings: { x: 'read', dy: 'read', dx: 'write' },
    params: gatedParams,
    constants: { ACTIVATION: Object.values(activationCodes) },
  },
  kernel,
);

export const gatedBackwardKernels: readonly Kernel[] = [forms.singly, forms.fours];

/** Gradients of gate and value, which stand side by side in x. */
export const gatedBackward: Rule<GatedEntry> = ({ trace: { x, ...shared } }, dy) => {
  const dxOf = (): Tensor => {
    const dx = dy.recording.transient(`d ${x.label}`, x.shape);
    dy.recording.dispatch({
      ...elementForm(forms, elements(dy.shape), shared.params.columns),
      bindings: { x, dy, dx },
      ...shared,
    });
    return dx;
  };
  return [[x, dxOf]];
};
