// How the kernels of the matrix product are declared: what they bind, and what finishes their sums.

import { kernel, type Kernel, type Snippet } from '../../runtime/kernel.ts';
import commonText from './matmul-common.wgsl?raw';
import xText from './matmul-x.wgsl?raw';
import gatedText from './matmul-gated.wgsl?raw';
import { activation, element1, element4, tanh, workgroup } from '../snippets.ts';
import { weight4Storage, weightStorage } from '../storage.ts';

/** Activations a matrix product can apply to its result, by their numbers in activation.wgsl. */
export const activationCodes = {
  none: 0,
  relu: 1,
  gelu: 2,
  geluTanh: 3,
  silu: 4,
  tanh: 5,
  quickGelu: 6,
  sigmoid: 7,
} as const;
export type Activation = keyof typeof activationCodes;

/** What becomes of a sum before it is stored. */
export const epilogue: Kernel['constants'] = {
  ACTIVATION: Object.values(activationCodes),
  HAS_BIAS: [false, true],
  HAS_RESIDUAL: [false, true],
};

export const common: Snippet = { file: 'matmul-common.wgsl', text: commonText };
const xs: Snippet = { file: 'matmul-x.wgsl', text: xText };
/** Of one element at a time, and of four. */
export const singly: Kernel['code'] = [
  workgroup,
  weightStorage,
  element1,
  tanh,
  activation,
  xs,
  common,
];
export const byFours: Kernel['code'] = [
  workgroup,
  weight4Storage,
  element4,
  tanh,
  activation,
  xs,
  common,
];

/** Whether W is (columns, depth), and whether x is (depth, rows). */
export const anyLayout: Kernel['constants'] = { TRANSPOSED: [false, true] };
export const anyLayouts: Kernel['constants'] = { ...anyLayout, X_TRANSPOSED: [false, true] };

export function matmulKernel(
  name: string,
  code: Kernel['code'],
  constants: Record<string, readonly (number | boolean)[]>,
  more: Partial<Kernel> = {},
): Kernel {
  return kernel({
    name,
    operation: 'matmul',
    code,
    bindings: { weight: 'read', x: 'read', bias: 'read', residual: 'read', y: 'write' },
    params: {
      batches: 'u32',
      rows: 'u32',
      columns: 'u32',
      depth: 'u32',
      pitch: 'u32',
      weight_stride: 'u32',
      x_pitch: 'u32',
      y_pitch: 'u32',
    },
    constants: { ...epilogue, ...constants },
    ...more,
  });
}

const gates = { file: 'matmul-gated.wgsl', text: gatedText };

/** What kernels add whose results may be gated: their text, and the switch. */
export const gating: { readonly code: Kernel['code']; readonly constants: Kernel['constants'] } = {
  code: [gates],
  constants: { GATED: [false, true] },
};

/** The smallest power of two that is not below a count. */
export function powerOfTwo(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, count)));
}
