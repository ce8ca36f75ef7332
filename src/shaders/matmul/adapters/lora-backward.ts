// The gradient of a low-rank update.

import { kernel, type Kernel } from '../../../runtime/kernel.ts';
import { transientLike } from '../../../runtime/parts.ts';
import { sharedRows } from '../../../runtime/shared-rows.ts';
import { elements, type Tensor } from '../../../runtime/tensor.ts';
import text from './lora-backward.wgsl?raw';
import { workgroup } from '../../snippets.ts';
import type { LoraEntry } from './lora.ts';
import type { Rule } from '../../traces.ts';

const backwardKernel = kernel({
  name: 'lora-backward',
  code: [workgroup, { file: 'lora-backward.wgsl', text }],
  bindings: { dy: 'read', ddelta: 'write' },
  params: {
    rows: 'u32',
    columns: 'u32',
    first: 'u32',
    count: 'u32',
    left: 'u32',
    width: 'u32',
    scale: 'f32',
  },
});

export const loraBackwardKernels: readonly Kernel[] = [backwardKernel];

/** The weight gets dy as it is, the update its rows and columns of dy, scaled. */
export const loraBackward: Rule<LoraEntry> = ({ trace: { weight, delta, params } }, dy) => {
  const dDeltaOf = (): Tensor => {
    const { recording } = dy;
    const ddelta = transientLike(delta, { label: `d ${delta.label}`, recording });
    for (const { of } of sharedRows(dy, ddelta, params.first)) {
      const [from, to] = of;
      recording.dispatch({
        kernel: backwardKernel,
        bindings: { dy: from.tensor, ddelta: to.tensor },
        params: {
          ...params,
          rows: from.rows,
          first: params.first + to.first - from.first,
          count: to.rows,
        },
        workgroups: Math.ceil(elements(to.tensor.shape) / 64),
        parts: ['ddelta'],
      });
    }
    return ddelta;
  };
  return [
    [weight, () => dy],
    [delta, dDeltaOf],
  ];
};
