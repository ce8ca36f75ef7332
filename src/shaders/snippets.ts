// The pieces of WGSL that several kernels share.

import type { Snippet, StorageSnippet } from '../runtime/kernel.ts';
import activationText from './activation.wgsl?raw';
import numbersText from './numbers.wgsl?raw';
import rowInvocationText from './row-invocation.wgsl?raw';
import rowSubgroupText from './row-subgroup.wgsl?raw';
import rowWorkgroupText from './row-workgroup.wgsl?raw';
import weightBf16Text from './weight-bf16.wgsl?raw';
import weightF16Text from './weight-f16.wgsl?raw';
import weightF32Text from './weight-f32.wgsl?raw';
import workgroupText from './workgroup.wgsl?raw';

export const activation: Snippet = { file: 'activation.wgsl', text: activationText };
export const numbers: Snippet = { file: 'numbers.wgsl', text: numbersText };
export const workgroup: Snippet = { file: 'workgroup.wgsl', text: workgroupText };
export const rowInvocation: Snippet = { file: 'row-invocation.wgsl', text: rowInvocationText };
export const rowSubgroup: Snippet = { file: 'row-subgroup.wgsl', text: rowSubgroupText };
export const rowWorkgroup: Snippet = { file: 'row-workgroup.wgsl', text: rowWorkgroupText };

/** Reads the tensor bound as `weight` in whatever format it is stored. */
export const weightStorage: StorageSnippet = {
  binding: 'weight',
  formats: {
    f32: { file: 'weight-f32.wgsl', text: weightF32Text },
    f16: { file: 'weight-f16.wgsl', text: weightF16Text },
    bf16: { file: 'weight-bf16.wgsl', text: weightBf16Text },
  },
};
