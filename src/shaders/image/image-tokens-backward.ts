// The gradient of the tokens of images.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { transientLike } from '../../runtime/parts.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';
import type { ImageTokensEntry } from './image-tokens.ts';
import text from './image-tokens-backward.wgsl?raw';

const backwardKernel = kernel({
  name: 'image-tokens-backward',
  code: [workgroup, { file: 'image-tokens-backward.wgsl', text }],
  bindings: { dy: 'read', dx: 'write' },
  params: {
    rows: 'u32',
    columns: 'u32',
    period: 'u32',
    skip: 'u32',
    shift: 'u32',
    tokens: 'u32',
    images: 'u32',
  },
});

export const imageTokenBackwardKernels: readonly Kernel[] = [backwardKernel];

export const imageTokensBackward: Rule<ImageTokensEntry> = ({ trace }, dy) => {
  const { patches, around, positions, prefix, placed } = trace;
  const [images = 0, tokens = 0, columns = 0] = dy.shape;
  const count = patches.size(1);
  const whole = { period: tokens - count, skip: prefix, shift: count, images };
  const gathered = (
    x: Tensor,
    from: { period: number; skip: number; shift: number; images: number },
  ): Tensor => {
    const dx = transientLike(x, { label: `d ${x.label}`, recording: dy.recording });
    const size = elements(x.shape);
    dy.recording.dispatch({
      kernel: backwardKernel,
      bindings: { dy, dx },
      params: { rows: size / columns, columns, tokens, ...from },
      workgroups: Math.ceil(size / 64),
    });
    return dx;
  };
  return [
    [patches, () => gathered(patches, { period: count, skip: 0, shift: prefix, images: 1 })],
    ...(around ? [[around, () => gathered(around, whole)] as const] : []),
    [
      positions,
      () =>
        gathered(positions, {
          period: positions.size(0),
          skip: placed,
          shift: prefix - placed,
          images,
        }),
    ],
  ];
};
