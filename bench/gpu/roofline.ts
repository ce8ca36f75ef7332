// What the device can do at most: bytes copied a second, and multiply-adds a second out of registers.

import { kernel } from '../../src/runtime/kernel.ts';
import { workgroup } from '../../src/shaders/snippets.ts';
import copyText from './copy.wgsl?raw';
import fmaText from './fma.wgsl?raw';
import type { Case } from './measure.ts';
import { input } from './kernels.ts';

const copyKernel = kernel({
  name: 'copy',
  code: [workgroup, { file: 'copy.wgsl', text: copyText }],
  bindings: { x: 'read', y: 'write' },
  params: { size: 'u32' },
});

const fmaKernel = kernel({
  name: 'fma-loop',
  code: [workgroup, { file: 'fma.wgsl', text: fmaText }],
  bindings: { y: 'write' },
  params: { rounds: 'u32', factor: 'f32' },
});

export function roofline(isSmall: boolean): Case[] {
  const size = (isSmall ? 1 : 64) * 2 ** 20;
  const [groups, rounds] = isSmall ? [64, 64] : [8192, 1024];
  return [
    {
      name: `copy of ${(4 * size) / 2 ** 20} MiB`,
      work: { bytes: 8 * size },
      inputs: { x: { shape: [size] } },
      record: (tensors, recording) => {
        const y = recording.transient('y', [size]);
        recording.dispatch({
          kernel: copyKernel,
          bindings: { x: input(tensors, 'x'), y },
          params: { size: size / 4 },
          workgroups: Math.ceil(size / 4 / 256),
        });
        return y;
      },
    },
    {
      name: 'multiply-adds of f32',
      // 8 accumulators of 4 a thread.
      work: { flops: 2 * 32 * rounds * groups * 256 },
      inputs: {},
      record: (_, recording) => {
        const y = recording.transient('y', [groups * 256 * 4]);
        recording.dispatch({
          kernel: fmaKernel,
          bindings: { y },
          params: { rounds, factor: 0.999 },
          workgroups: groups,
        });
        return y;
      },
    },
  ];
}
