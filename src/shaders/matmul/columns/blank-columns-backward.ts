// The gradient of columns that an operation does not read, of a tensor that holds what it reads besides.

import { kernel, type Kernel } from '../../../runtime/kernel.ts';
import { elements, type Tensor } from '../../../runtime/tensor.ts';
import { workgroup } from '../../snippets.ts';
import text from './blank-columns-backward.wgsl?raw';

const blankKernel = kernel({
  name: 'blank-columns-backward',
  code: [workgroup, { file: 'blank-columns-backward.wgsl', text }],
  bindings: { dx: 'write' },
  params: { rows: 'u32', pitch: 'u32', first: 'u32', second: 'u32', count: 'u32' },
});

export const blankColumnKernels: readonly Kernel[] = [blankKernel];

/** Where two runs of `count` columns begin, or the same one twice. */
export interface Runs {
  readonly first: number;
  readonly second: number;
  readonly count: number;
}

/** Has all other columns of dx be 0, where there are some. */
export function blankOthers(dx: Tensor, { first, second, count }: Runs): void {
  const pitch = dx.size(-1);
  if (pitch === (first === second ? 1 : 2) * count) return;
  const size = elements(dx.shape);
  dx.recording.dispatch({
    kernel: blankKernel,
    bindings: { dx },
    params: { rows: size / pitch, pitch, first, second, count },
    workgroups: Math.ceil(size / 64),
    parts: ['dx'],
  });
}
