// The gradient of the loss of preferences.

import type { Kernel } from '../../runtime/kernel.ts';
import { transientLike } from '../../runtime/parts.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import text from './preference-loss-backward.wgsl?raw';
import {
  preferenceMargin,
  preferenceScalars,
  type PreferenceLossEntry,
} from './preference-loss.ts';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';
import { numbers, workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';

const forms = rowKernel({
  name: 'preference-loss-backward',
  code: [workgroup, numbers, preferenceMargin, { file: 'preference-loss-backward.wgsl', text }],
  bindings: { x: 'read', reference: 'read', dloss: 'read', dx: 'write' },
  params: preferenceScalars,
});

export const preferenceLossBackwardKernels: readonly Kernel[] = allForms(forms);

/** The same for all tokens of a text: they count together. */
export const preferenceLossBackward: Rule<PreferenceLossEntry> = ({ trace }, dloss) => {
  const { x, reference, params } = trace;
  const dxOf = (): Tensor => {
    const { recording } = dloss;
    const dx = transientLike(x, { label: `d ${x.label}`, recording });
    recording.dispatch({
      ...rowForm(forms, recording.gpu, params.pairs, 4 * params.length),
      bindings: { x, reference, dloss, dx },
      params,
    });
    return dx;
  };
  return [[x, dxOf]];
};
