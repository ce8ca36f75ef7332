// The gradient of the loss of boxes; what is matched has none.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';
import { boxOverlap, type BoxLossEntry, boxLossParams } from './box-loss.ts';
import text from './box-loss-backward.wgsl?raw';

const backwardKernel = kernel({
  name: 'box-loss-backward',
  code: [workgroup, boxOverlap, { file: 'box-loss-backward.wgsl', text }],
  bindings: {
    boxes: 'read',
    matched: 'read',
    places: 'read',
    shares: 'read',
    dy: 'read',
    dboxes: 'write',
  },
  params: boxLossParams,
});

export const boxLossBackwardKernels: readonly Kernel[] = [backwardKernel];

export const boxLossBackward: Rule<BoxLossEntry> = ({ trace }, dy) => {
  const { boxes, matched, objects, params } = trace;
  const dBoxes = (): Tensor => {
    const dboxes = dy.recording.transient(`d ${boxes.label}`, boxes.shape);
    const { places, shares } = objects;
    dy.recording.dispatch({
      kernel: backwardKernel,
      bindings: { boxes, matched, places, shares, dy, dboxes },
      params,
      workgroups: Math.ceil(params.size / 64),
    });
    return dboxes;
  };
  return [[boxes, dBoxes]];
};
