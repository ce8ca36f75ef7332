// The kernels of the matrix product that are for GPUs, and which one a shape gets.

import type { Gpu } from '../../runtime/gpu.ts';
import { kernel, type Kernel } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { elementForm, inBothWidths } from '../elementwise/element-kernel.ts';
import { activation, element4, late, rowWorkgroup, tanh, workgroup } from '../snippets.ts';
import {
  type Activation,
  activationCodes,
  anyLayouts,
  byFours,
  epilogue,
  matmulKernel,
  singly,
} from './matmul-declare.ts';
import type { Form, Problem } from './matmul-problem.ts';

const body = {
  file: 'matmul-tile.wgsl',
  text: late(() => import('./matmul-tile.wgsl?raw'), 'gpu'),
};
const fours = {
  file: 'matmul-fours.wgsl',
  text: late(() => import('./matmul-fours.wgsl?raw'), 'gpu'),
};
const tileConstants = { ...anyLayouts, TILE: [32, 64, 128], SPLITS: [1, 2, 4, 8, 16] };
const tile = matmulKernel(
  'matmul-tile',
  [
    ...singly,
    { file: 'matmul-one.wgsl', text: late(() => import('./matmul-one.wgsl?raw'), 'gpu') },
    body,
  ],
  { ...tileConstants, FULL: [false] },
);
const tileFours = matmulKernel(
  'matmul-tile-fours',
  [...byFours, fours, body],
  { ...tileConstants, FULL: [false, true] },
  { entry: 'matmul_tile' },
);

const matrix = matmulKernel(
  'matmul-matrix',
  [
    ...byFours,
    fours,
    { file: 'matmul-matrix.wgsl', text: late(() => import('./matmul-matrix.wgsl?raw')) },
  ],
  {
    TRANSPOSED: [false, true],
    SPLITS: tileConstants.SPLITS,
    M: [8, 16],
    N: [8, 16],
    K: [8, 16],
    LANES: [4, 8, 16, 32, 64],
  },
  {
    subgroups: true,
    matrices: true,
    bindings: {
      weight: 'read',
      x: 'read',
      bias: 'read',
      residual: 'read',
      y: 'write',
      scale: 'read',
    },
  },
);
const scaling = kernel({
  name: 'matmul-scale',
  code: [
    workgroup,
    rowWorkgroup,
    element4,
    { file: 'matmul-scale.wgsl', text: late(() => import('./matmul-scale.wgsl?raw')) },
  ],
  bindings: { x: 'read', scale: 'write' },
  params: { rows: 'u32', columns: 'u32', x_pitch: 'u32' },
});

const joins = inBothWidths(
  {
    name: 'matmul-join',
    code: [
      workgroup,
      tanh,
      activation,
      { file: 'matmul-join.wgsl', text: late(() => import('./matmul-join.wgsl?raw'), 'gpu') },
    ],
    bindings: { partial: 'read', bias: 'read', residual: 'read', y: 'write' },
    params: { slices: 'u32', rows: 'u32', columns: 'u32', y_pitch: 'u32' },
    constants: epilogue,
  },
  kernel,
);

export const matmulGpuKernels: readonly Kernel[] = [
  tile,
  tileFours,
  matrix,
  scaling,
  joins.singly,
  joins.fours,
];

/** Depths of a piece in workgroup memory, as in matmul-tile.wgsl and matmul-matrix.wgsl. */
const piece = 16;
/** Workgroups that give every part of a GPU something to do, by the side of their tile. */
const enough = { 128: 128, 64: 64 } as const;
/** The least depth of a slice: each costs a result written and read once more. */
const leastSlice = 256;

/** Into how many slices a product is split that has too few tiles. */
function slices(depth: number, tiles: number): number {
  let count = 1;
  const isDivided = (parts: number): boolean =>
    depth % (piece * parts) === 0 && depth / parts >= leastSlice;
  while (count < 16 && tiles * count < 64 && isDivided(2 * count)) count *= 2;
  return count;
}

/**
 * The form for a shape: matrix units where they keep the precision of x and W; else the largest tile that still
 * gives every part of a GPU something to do. `isInFours`: whether all lengths are multiples of four.
 */
export function tileForm(gpu: Gpu, problem: Problem, isInFours: boolean): Form {
  const { batches, rows, columns, depth, transposed, xTransposed = false, weight } = problem;
  const tiles = (high: number, wide = high): number =>
    batches * Math.ceil(rows / high) * Math.ceil(columns / wide);
  const { matrices } = gpu.info;
  const isExact = weight.dtype === 'f16' && isInFours && !xTransposed;
  if (matrices !== undefined && isExact && rows > 8 && depth % piece === 0) {
    const { M, N, K, lanes: LANES } = matrices;
    const count = tiles(64, 8 * N);
    const SPLITS = slices(depth, count);
    const constants = { TRANSPOSED: transposed, SPLITS, M, N, K, LANES };
    return { kernel: matrix, constants, workgroups: SPLITS * count };
  }
  const has256 = gpu.device.limits.maxComputeInvocationsPerWorkgroup >= 256;
  const side =
    has256 && tiles(128) >= enough[128] ? 128 : tiles(64) >= enough[64] ? 64 : (32 as const);
  const SPLITS = slices(depth, tiles(side));
  return {
    kernel: isInFours ? tileFours : tile,
    constants: {
      TRANSPOSED: transposed,
      X_TRANSPOSED: xTransposed,
      TILE: side,
      FULL: isInFours && columns % side === 0 && depth % piece === 0,
      SPLITS,
    },
    workgroups: SPLITS * tiles(side),
  };
}

/** For each row of x, (…, columns), what brings it into the range of f16, and the inverse. Result: (rows, 2). */
export function scaleRows(x: Tensor, rows: number, columns: number, xPitch: number): Tensor {
  const scale = x.recording.transient(`scale of ${x.label}`, [rows, 2]);
  const params = { rows, columns, x_pitch: xPitch };
  x.recording.dispatch({ kernel: scaling, bindings: { x, scale }, params, workgroups: rows });
  return scale;
}

export interface Join {
  /** (slices, …), each slice as large as y */
  readonly partial: Tensor;
  readonly bias?: Tensor | undefined;
  readonly residual?: Tensor | undefined;
  readonly activation?: Activation;
  readonly rows: number;
  readonly columns: number;
  /** Elements from one row of y and residual to the next. */
  readonly yPitch: number;
  readonly y: Tensor;
}

/** y = activation(Σ slices + bias) + residual. */
export function join({ partial, y, activation: name = 'none', ...rest }: Join): void {
  const { bias, residual, rows, columns, yPitch } = rest;
  const length = yPitch % 4 === 0 ? columns : 1;
  y.recording.dispatch({
    ...elementForm(joins, rows * columns, length),
    bindings: { partial, bias, residual, y },
    params: { slices: partial.size(0), rows, columns, y_pitch: yPitch },
    constants: {
      ACTIVATION: activationCodes[name],
      HAS_BIAS: bias !== undefined,
      HAS_RESIDUAL: residual !== undefined,
    },
  });
}
