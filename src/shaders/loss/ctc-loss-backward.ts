// The gradient of the loss of connectionist temporal classification.

import type { Kernel } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';
import { numbers, rowSoftmax, workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';
import text from './ctc-loss-backward.wgsl?raw';
import { type CtcLossEntry, ctcScalars, paths } from './ctc-loss.ts';

const forms = rowKernel({
  name: 'ctc-loss-backward',
  code: [workgroup, numbers, rowSoftmax, { file: 'ctc-loss-backward.wgsl', text }],
  bindings: {
    x: 'read',
    emissions: 'read',
    arrived: 'read',
    going: 'read',
    sizes: 'read',
    links: 'read',
    dloss: 'read',
    dx: 'write',
  },
  params: ctcScalars,
});

export const ctcLossBackwardKernels: readonly Kernel[] = allForms(forms);

export const ctcLossBackward: Rule<CtcLossEntry> = ({ trace }, dloss) => {
  const { x, emissions, arrived, sizes, links, params } = trace;
  const dxOf = (): Tensor => {
    const { recording } = dloss;
    const going = paths(trace);
    const dx = recording.transient(`d ${x.label}`, x.shape);
    const turns = 3 * params.columns + 3 * params.places;
    recording.dispatch({
      ...rowForm(forms, recording.gpu, params.rows, turns),
      bindings: { x, emissions, arrived, going, sizes, links, dloss, dx },
      params,
    });
    return dx;
  };
  return [[x, dxOf]];
};
