// The gradients of activations on their own.

import { kernel, type Kernel, type Snippet } from '../../../runtime/kernel.ts';
import type { Tensor } from '../../../runtime/tensor.ts';
import backwardText from './activate-backward.wgsl?raw';
import derivativeText from './activation-derivative.wgsl?raw';
import { elementForm, inBothWidths } from '../../elementwise/element-kernel.ts';
import { activationCodes } from '../matmul-kernels.ts';
import { activation, tanh, workgroup } from '../../snippets.ts';
import type { ActivateEntry } from './activate.ts';
import type { Rule } from '../../traces.ts';

/** In terms of `Element`, like the activations, which it needs. */
export const derivative: Snippet = {
  file: 'activation-derivative.wgsl',
  text: derivativeText,
};

const file = { file: 'activate-backward.wgsl', text: backwardText };
const forms = inBothWidths(
  {
    name: 'activate-backward',
    code: [workgroup, tanh, activation, derivative, file],
    bindings: { x: 'read', dy: 'read', dx: 'write' },
    params: { size: 'u32' },
    constants: { ACTIVATION: Object.values(activationCodes) },
  },
  kernel,
);

export const activateBackwardKernels: readonly Kernel[] = [forms.singly, forms.fours];

/** activation′(x) · dy, element by element. */
export const activateBackward: Rule<ActivateEntry> = ({ trace: { x, ...shared } }, dy) => {
  const dxOf = (): Tensor => {
    const { recording } = dy;
    const dx = recording.transient(`d ${x.label}`, x.shape);
    const form = elementForm(forms, shared.params.size);
    recording.dispatch({ ...form, bindings: { x, dy, dx }, ...shared });
    return dx;
  };
  return [[x, dxOf]];
};
