// Whole tensors in f16 and back, for what only has to be kept. An even number of elements each.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { workgroup } from '../snippets.ts';
import packText from './pack-halves.wgsl?raw';
import unpackText from './unpack-halves.wgsl?raw';

const pack: Kernel = kernel({
  name: 'pack-halves',
  code: [workgroup, { file: 'pack-halves.wgsl', text: packText }],
  bindings: { x: 'read', y: 'write' },
  params: { words: 'u32' },
});

const unpack: Kernel = kernel({
  name: 'unpack-halves',
  code: [workgroup, { file: 'unpack-halves.wgsl', text: unpackText }],
  bindings: { x: 'read', y: 'write' },
  params: { words: 'u32' },
});

export const halvesKernels: readonly Kernel[] = [pack, unpack];

/** x in f16; beyond ±65,504 its ends. x: f32 (…), result: the same shape as one row. */
export function packHalves(x: Tensor): Tensor {
  return converted(pack, x, x.recording.transient(`${x.label} f16`, [elements(x.shape)], 'f16'));
}

/** What `packHalves` has packed, as f32 in a shape of as many elements. */
export function unpackHalves(x: Tensor, shape: readonly number[]): Tensor {
  return converted(unpack, x, x.recording.transient(x.label, shape));
}

function converted(form: Kernel, x: Tensor, y: Tensor): Tensor {
  const words = elements(x.shape) / 2;
  x.recording.dispatch({
    kernel: form,
    bindings: { x, y },
    params: { words },
    workgroups: Math.ceil(words / 64),
  });
  return y;
}
