// Activations on their own, with their gradients.

import { kernel, type Kernel } from '../runtime/kernel.ts';
import { elements, type Tensor } from '../runtime/tensor.ts';
import backwardText from './activate-backward.wgsl?raw';
import forwardText from './activate.wgsl?raw';
import { elementForm, inBothWidths } from './element-kernel.ts';
import { type Activation, activationCodes } from './matmul-kernels.ts';
import { activation, workgroup } from './snippets.ts';

const codes = { ACTIVATION: Object.values(activationCodes) };

const forward = inBothWidths(
  {
    name: 'activate',
    entry: 'activate_all',
    code: [workgroup, activation, { file: 'activate.wgsl', text: forwardText }],
    bindings: { x: 'read', y: 'write' },
    params: { size: 'u32' },
    constants: codes,
  },
  kernel,
);

const backward = inBothWidths(
  {
    name: 'activate-backward',
    code: [workgroup, activation, { file: 'activate-backward.wgsl', text: backwardText }],
    bindings: { x: 'read', dy: 'read', dx: 'write' },
    params: { size: 'u32' },
    constants: codes,
  },
  kernel,
);

export const activateKernels: readonly Kernel[] = [
  forward.singly,
  forward.fours,
  backward.singly,
  backward.fours,
];

/** activation(x), element by element. */
export function activate(x: Tensor, name: Activation): Tensor {
  const { recording } = x;
  const size = elements(x.shape);
  const shared = {
    params: { size },
    constants: { ACTIVATION: activationCodes[name] },
  };
  const y = recording.transient(name, x.shape);
  recording.dispatch({ ...elementForm(forward, size), bindings: { x, y }, ...shared });
  const dxOf = (dy: Tensor): Tensor => {
    const dx = recording.transient(`d ${x.label}`, x.shape);
    recording.dispatch({ ...elementForm(backward, size), bindings: { x, dy, dx }, ...shared });
    return dx;
  };
  recording.differentiate({ output: y, inputs: [x], backward: (dy) => [[x, () => dxOf(dy)]] });
  return y;
}
