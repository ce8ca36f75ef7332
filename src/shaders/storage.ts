// How kernels read the tensor bound as `weight`, in whatever format it is stored (runtime/tensor.ts).

import type { Snippet, StorageSnippet } from '../runtime/kernel.ts';
import type { Dtype } from '../runtime/tensor.ts';
import bf16 from './matmul/weight-bf16.wgsl?raw';
import f16 from './matmul/weight-f16.wgsl?raw';
import f32 from './matmul/weight-f32.wgsl?raw';
import bf16InFours from './matmul/weight4-bf16.wgsl?raw';
import f16InFours from './matmul/weight4-f16.wgsl?raw';
import f32InFours from './matmul/weight4-f32.wgsl?raw';

/** The texts of each format: for one element or more, and for four neighbours of rows of fours. */
const texts: Partial<Record<Dtype, readonly [any: string, fours: string]>> = {
  f32: [f32, f32InFours],
  f16: [f16, f16InFours],
  bf16: [bf16, bf16InFours],
};

function storage(prefix: string, index: 0 | 1): StorageSnippet {
  const formats = Object.entries(texts).map(([name, own]): [string, Snippet] => [
    name,
    { file: `${prefix}-${name}.wgsl`, text: own[index] },
  ]);
  return { binding: 'weight', formats: Object.fromEntries(formats) };
}

export const weightStorage: StorageSnippet = storage('weight', 0);
/** The same, four neighbours at a time. */
export const weight4Storage: StorageSnippet = storage('weight4', 1);
