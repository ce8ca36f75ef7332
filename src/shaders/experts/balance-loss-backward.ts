// The gradient of the balance of experts, by their probabilities.

import type { Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';
import { numbers, rowSoftmax, workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';
import text from './balance-loss-backward.wgsl?raw';
import type { BalanceLossEntry } from './balance-loss.ts';

const forms = rowKernel({
  name: 'balance-loss-backward',
  code: [workgroup, numbers, rowSoftmax, { file: 'balance-loss-backward.wgsl', text }],
  bindings: { x: 'read', sums: 'read', mask: 'read', factor: 'read', dy: 'read', dx: 'write' },
  params: { rows: 'u32', columns: 'u32' },
});

export const balanceLossBackwardKernels: readonly Kernel[] = allForms(forms);

export const balanceLossBackward: Rule<BalanceLossEntry> = ({ trace }, dy) => {
  const { layers, sums, mask, factor } = trace;
  return layers.map(({ logits: x }) => {
    const dLogits = (): Tensor => {
      const dx = dy.recording.transient(`d ${x.label}`, x.shape);
      const rows = elements(mask.shape);
      dy.recording.dispatch({
        ...rowForm(forms, dy.recording.gpu, rows),
        bindings: { x, sums, mask, factor, dy, dx },
        params: { rows, columns: x.size(-1) },
      });
      return dx;
    };
    return [x, dLogits];
  });
};
