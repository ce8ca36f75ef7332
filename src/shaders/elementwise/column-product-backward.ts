// The gradient of products with some columns of other rows.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';
import { type ColumnProductEntry, multiplied } from './column-scale.ts';
import text from './column-product-backward.wgsl?raw';

const backwardKernel = kernel({
  name: 'column-product-backward',
  code: [workgroup, { file: 'column-product-backward.wgsl', text }],
  bindings: { x: 'read', dy: 'read', d_beside: 'write' },
  params: { rows: 'u32', columns: 'u32', first: 'u32', pitch: 'u32' },
});

export const columnProductBackwardKernels: readonly Kernel[] = [backwardKernel];

export const columnProductBackward: Rule<ColumnProductEntry> = ({ trace }, dy) => {
  const { x, beside, first } = trace;
  const { recording } = dy;
  const ofBeside = (): Tensor => {
    const d_beside = recording.transient(`d ${beside.label}`, beside.shape);
    const columns = x.size(-1);
    const rows = elements(x.shape) / columns;
    const size = elements(beside.shape);
    recording.dispatch({
      kernel: backwardKernel,
      bindings: { x, dy, d_beside },
      params: { rows, columns, first, pitch: size / rows },
      workgroups: Math.ceil(size / 64),
    });
    return d_beside;
  };
  return [
    [x, () => multiplied(dy, beside, { label: `d ${x.label}`, first })],
    [beside, ofBeside],
  ];
};
