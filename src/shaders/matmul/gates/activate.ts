// Activations on their own.

import { kernel, type Kernel } from '../../../runtime/kernel.ts';
import { elements, type Tensor } from '../../../runtime/tensor.ts';
import text from './activate.wgsl?raw';
import { elementForm, inBothWidths } from '../../elementwise/element-kernel.ts';
import { type Activation, activationCodes } from '../matmul-kernels.ts';
import { activation, tanh, workgroup } from '../../snippets.ts';
import type { Scalars, Traced } from '../../traces.ts';

const params = { size: 'u32' } as const;

const forms = inBothWidths(
  {
    name: 'activate',
    entry: 'activate_all',
    code: [workgroup, tanh, activation, { file: 'activate.wgsl', text }],
    bindings: { x: 'read', y: 'write' },
    params,
    constants: { ACTIVATION: Object.values(activationCodes) },
  },
  kernel,
);

export const activateKernels: readonly Kernel[] = [forms.singly, forms.fours];

export type ActivateEntry = Traced<
  'activate',
  {
    readonly x: Tensor;
    readonly params: Scalars<typeof params>;
    readonly constants: { readonly ACTIVATION: number };
  }
>;

/** activation(x), element by element. */
export function activate(x: Tensor, name: Activation): Tensor {
  const { recording } = x;
  const size = elements(x.shape);
  const shared = {
    params: { size },
    constants: { ACTIVATION: activationCodes[name] },
  };
  const y = recording.transient(name, x.shape);
  recording.dispatch({ ...elementForm(forms, size), bindings: { x, y }, ...shared });
  recording.differentiate({
    op: 'activate',
    output: y,
    inputs: [x],
    trace: { x, ...shared },
  } satisfies ActivateEntry);
  return y;
}
