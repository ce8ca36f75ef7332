// The kernels of the matrix product, and which one a device and a shape get.

import type { Gpu } from '../../runtime/gpu.ts';
import { type Constants, kernel, type Kernel } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import commonText from './matmul-common.wgsl?raw';
import fourText from './matmul-four.wgsl?raw';
import gatedText from './matmul-gated.wgsl?raw';
import subgroupText from './matmul-subgroup.wgsl?raw';
import {
  activation,
  element1,
  element4,
  late,
  rowInvocation,
  rowSubgroup,
  tanh,
  workgroup,
} from '../snippets.ts';
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
} as const;
export type Activation = keyof typeof activationCodes;

const epilogue = {
  ACTIVATION: Object.values(activationCodes),
  HAS_BIAS: [false, true],
  HAS_RESIDUAL: [false, true],
};

const common = { file: 'matmul-common.wgsl', text: commonText };
const gates = { file: 'matmul-gated.wgsl', text: gatedText };
const four = { file: 'matmul-four.wgsl', text: fourText };
/** Of one element at a time, and of four. */
const singly = [workgroup, weightStorage, element1, tanh, activation, common];
const byFours = [workgroup, weight4Storage, element4, tanh, activation, common];

function matmulKernel(
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

const gating = { GATED: [false, true] };
const anyLayout = { TRANSPOSED: [false, true] };
const anyLayouts = { ...anyLayout, X_TRANSPOSED: [false, true] };
const registers = [
  ...singly,
  gates,
  four,
  {
    file: 'matmul-register.wgsl',
    text: late(() => import('./matmul-register.wgsl?raw')),
  },
];
const register = matmulKernel('matmul-register', [rowInvocation, ...registers], {
  ...anyLayout,
  ...gating,
  ROWS: [1, 2, 4],
});
const subgroupSkinny = matmulKernel(
  'matmul-subgroup-skinny',
  [rowSubgroup, ...registers],
  { TRANSPOSED: [true], ...gating, ROWS: [1, 2, 4] },
  { entry: 'matmul_register', subgroups: true },
);
const subgroup = matmulKernel(
  'matmul-subgroup',
  [...singly, four, { file: 'matmul-subgroup.wgsl', text: subgroupText }],
  { ...anyLayouts, TALL: [false, true], FOURS: [false, true], ONES: [false, true] },
  { subgroups: true },
);
const block = matmulKernel(
  'matmul-block',
  [...byFours, { file: 'matmul-block.wgsl', text: late(() => import('./matmul-block.wgsl?raw')) }],
  { ...anyLayouts, ROWS: [8, 16] },
);
const tile = matmulKernel(
  'matmul-tile',
  [
    ...singly,
    { file: 'matmul-tile.wgsl', text: late(() => import('./matmul-tile.wgsl?raw'), 'gpu') },
  ],
  { ...anyLayouts, TILE: [32, 64, 128], THREAD: [4, 8], DEPTH: [8, 16] },
);
const skinny = matmulKernel(
  'matmul-skinny',
  [
    ...singly,
    gates,
    { file: 'matmul-skinny.wgsl', text: late(() => import('./matmul-skinny.wgsl?raw'), 'gpu') },
  ],
  { ...gating, ROWS: [1, 2, 4, 8] },
);

export const matmulKernels: readonly Kernel[] = [
  subgroup,
  subgroupSkinny,
  register,
  block,
  tile,
  skinny,
];

/** A kernel with its switches, as chosen for one product. */
export interface Form {
  readonly kernel: Kernel;
  readonly constants: Constants;
  readonly workgroups: number;
}

/**
 * One product: y = activation(x·W + bias) + residual, W being (columns, depth) when transposed.
 * When gated, W and bias are twice as wide: y = activation(x·Wᵍ + biasᵍ) · (x·Wᵘ + biasᵘ).
 */
export interface Product {
  readonly x: Tensor;
  readonly weight: Tensor;
  readonly bias?: Tensor | undefined;
  readonly residual?: Tensor | undefined;
  readonly activation?: Activation;
  /** Only in forms that have the switch, and without residual. Forms count all columns of W. */
  readonly gated?: boolean;
  readonly transposed: boolean;
  readonly batches: number;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  /** Elements from one row of W to the next, and from one batch's W to the next one's. */
  readonly pitch: number;
  readonly weightStride: number;
  /** The same for the rows of x and y in memory, where these are columns of larger matrices. */
  readonly xPitch?: number;
  readonly yPitch?: number;
  /** Whether x is (depth, rows) in memory, for kernels that can read it so. */
  readonly xTransposed?: boolean;
  readonly y: Tensor;
}

/** Appends a product to the recording of `y`, whatever the shapes of its operands are called. */
export function wholeProduct(
  operands: Product,
  form: Form = formFor(operands.y.recording.gpu, operands),
): void {
  const { x, weight, bias, residual, activation: name = 'none', gated = false, y } = operands;
  const { batches, rows, columns, depth, pitch, weightStride } = operands;
  const { x: xPitch, y: yPitch } = pitches(operands);
  y.recording.dispatch({
    ...form,
    bindings: { weight, x, bias, residual, y },
    params: {
      batches,
      rows,
      columns,
      depth,
      pitch,
      weight_stride: weightStride,
      x_pitch: xPitch,
      y_pitch: yPitch,
    },
    constants: {
      ...form.constants,
      ACTIVATION: activationCodes[name],
      GATED: gated,
      HAS_BIAS: bias !== undefined,
      HAS_RESIDUAL: residual !== undefined,
    },
  });
}

type Problem = Omit<Product, 'x' | 'weight' | 'bias' | 'residual' | 'y' | 'activation' | 'gated'>;

/** Elements from one row in memory to the next: by default they follow each other. */
function pitches(problem: Problem): { x: number; y: number } {
  const { rows, columns, depth, xTransposed = false } = problem;
  const { xPitch = xTransposed ? rows : depth, yPitch = columns } = problem;
  return { x: xPitch, y: yPitch };
}

/** The smallest power of two that is not below a count. */
function powerOfTwo(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, count)));
}

/** Multiply-adds from which on a CPU adapter earns back the long compilation of the block kernel. */
const large = 2 ** 20;
/** Multiply-adds up to which a product with subgroups is done before a loop by fours is compiled. */
const brief = 2 ** 18;

/** Whether every row that is read or written is a multiple of four long. */
function isInFours(problem: Problem): boolean {
  const { rows, columns, depth, pitch, weightStride, xTransposed = false } = problem;
  const { x, y } = pitches(problem);
  const sizes = [columns, depth, pitch, weightStride, x, y, xTransposed ? rows : 0];
  return sizes.every((size) => size % 4 === 0);
}

/** The kernel for a device and a shape. */
export function formFor(gpu: Gpu, problem: Problem): Form {
  const { batches, rows, columns, depth, transposed, xTransposed = false } = problem;
  const tiles = (high: number, wide: number): number =>
    batches * Math.ceil(rows / high) * Math.ceil(columns / wide);
  const either = { TRANSPOSED: transposed };
  const both = { ...either, X_TRANSPOSED: xTransposed };
  if (gpu.tier === 'software') {
    const ROWS = powerOfTwo(Math.min(rows, 4));
    const multiplyAdds = batches * rows * columns * depth;
    // A single row gains nothing from blocks, and up to eight nothing from high ones.
    const isLarge = rows > 1 && multiplyAdds >= large;
    if (!gpu.hasQuadSubgroups && isLarge && isInFours(problem)) {
      const height = rows > 8 && tiles(16, 16) >= 32 ? 16 : 8;
      return {
        kernel: block,
        constants: { ...both, ROWS: height },
        workgroups: Math.ceil(tiles(height, 16) / 16),
      };
    }
    if (!gpu.hasQuadSubgroups) {
      return {
        kernel: register,
        constants: { ...either, ROWS },
        workgroups: Math.ceil(tiles(ROWS, 8) / 16),
      };
    }
    if (transposed && rows <= 4) {
      return { kernel: subgroupSkinny, constants: { ...either, ROWS }, workgroups: tiles(ROWS, 8) };
    }
    const FOURS = multiplyAdds > brief;
    const ONES = !FOURS || depth % 4 > 0;
    const TALL = rows > 8;
    return {
      kernel: subgroup,
      constants: { ...both, TALL, FOURS, ONES },
      workgroups: tiles(TALL ? 16 : 8, 8),
    };
  }
  if (transposed && rows <= 8) {
    const constants = { ROWS: powerOfTwo(rows) };
    return { kernel: skinny, constants, workgroups: tiles(rows, 4) };
  }
  // The largest tile that still gives every part of a GPU something to do.
  if (tiles(128, 128) >= 128) return tiled(128, 8, 8);
  if (tiles(64, 64) >= 64) return tiled(64, 8, 16);
  return tiled(32, 4, 16);

  function tiled(TILE: number, THREAD: number, DEPTH: number): Form {
    const constants = { ...both, TILE, THREAD, DEPTH };
    return { kernel: tile, constants, workgroups: tiles(TILE, TILE) };
  }
}
