// The gradient of group normalization.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { multiplied } from '../elementwise/column-scale.ts';
import { columnSum } from '../matmul/columns/column-sum.ts';
import { workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';
import { fold } from './fold.ts';
import { type GroupNormEntry, groupNormParams, normalized } from './group-norm.ts';
import text from './group-norm-backward.wgsl?raw';

const backwardKernel = kernel({
  name: 'group-norm-backward',
  code: [workgroup, { file: 'group-norm-backward.wgsl', text }],
  bindings: {
    x: 'read',
    sums: 'read',
    squares: 'read',
    dn: 'read',
    dn_sums: 'read',
    products: 'read',
    dx: 'write',
  },
  params: groupNormParams,
});

export const groupNormBackwardKernels: readonly Kernel[] = [backwardKernel];

export const groupNormBackward: Rule<GroupNormEntry> = ({ trace }, dy) => {
  const { x, sums, squares, params, affine } = trace;
  const { recording } = dy;
  const ofInput = (): Tensor => {
    const { groups, size } = params;
    const dn = affine ? multiplied(dy, affine.weight, { label: `d ${x.label}, normalized` }) : dy;
    const dx = recording.transient(`d ${x.label}`, x.shape);
    recording.dispatch({
      kernel: backwardKernel,
      bindings: {
        x,
        sums,
        squares,
        dn,
        dn_sums: fold(dn, { kind: 'sum', groups }),
        products: fold(dn, { kind: 'products', groups, other: x, sums }),
        dx,
      },
      params,
      workgroups: Math.ceil(size / 64),
    });
    return dx;
  };
  const label = `d ${affine?.weight.label ?? ''}`;
  return [
    [x, ofInput],
    [
      affine?.weight,
      () => {
        const products = multiplied(dy, normalized(trace, undefined), {
          label: `${label}, by rows`,
        });
        return columnSum(products, label);
      },
    ],
    [affine?.bias, () => columnSum(dy, `d ${affine?.bias.label ?? ''}`)],
  ];
};
