// Matrix product with fused bias, activation and residual.

import { TransformerError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { type Constants, kernel, type Kernel } from '../runtime/kernel.ts';
import { elements, type Tensor } from '../runtime/tensor.ts';
import commonText from './matmul-common.wgsl?raw';
import registerText from './matmul-register.wgsl?raw';
import skinnyText from './matmul-skinny.wgsl?raw';
import subgroupSkinnyText from './matmul-subgroup-skinny.wgsl?raw';
import subgroupText from './matmul-subgroup.wgsl?raw';
import tileText from './matmul-tile.wgsl?raw';
import { activation, weightStorage, workgroup } from './snippets.ts';

/** Activations a matrix product can apply to its result, by their numbers in activation.wgsl. */
export const activationCodes = { none: 0, relu: 1, gelu: 2, geluTanh: 3, silu: 4 } as const;
export type Activation = keyof typeof activationCodes;

const epilogue = {
  ACTIVATION: Object.values(activationCodes),
  HAS_BIAS: [false, true],
  HAS_RESIDUAL: [false, true],
};

function matmulKernel(
  name: string,
  text: string,
  constants: Record<string, readonly (number | boolean)[]>,
  subgroups = false,
): Kernel {
  const common = { file: 'matmul-common.wgsl', text: commonText };
  return kernel({
    name,
    operation: 'matmul',
    code: [workgroup, weightStorage, activation, common, { file: `${name}.wgsl`, text }],
    bindings: { weight: 'read', x: 'read', bias: 'read', residual: 'read', y: 'write' },
    params: {
      batches: 'u32',
      rows: 'u32',
      columns: 'u32',
      depth: 'u32',
      pitch: 'u32',
      weight_stride: 'u32',
    },
    constants: { ...epilogue, ...constants },
    subgroups,
  });
}

const anyLayout = { TRANSPOSED: [false, true] };
const subgroup = matmulKernel(
  'matmul-subgroup',
  subgroupText,
  { ...anyLayout, TALL: [false, true] },
  true,
);
const subgroupSkinny = matmulKernel(
  'matmul-subgroup-skinny',
  subgroupSkinnyText,
  { ROWS: [1, 2, 4] },
  true,
);
const register = matmulKernel('matmul-register', registerText, {
  ...anyLayout,
  ROWS: [1, 2, 4],
});
const tile = matmulKernel('matmul-tile', tileText, {
  ...anyLayout,
  TILE: [32, 64, 128],
  THREAD: [4, 8],
  DEPTH: [8, 16],
});
const skinny = matmulKernel('matmul-skinny', skinnyText, { ROWS: [1, 2, 4, 8] });

export const matmulKernels: readonly Kernel[] = [subgroup, subgroupSkinny, register, tile, skinny];

export interface MatmulOptions {
  /** Whether the weight is stored as (columns, depth), as the weights of linear layers are. */
  transposed?: boolean;
  /** (columns) */
  bias?: Tensor | undefined;
  activation?: Activation;
  /** Added last; shaped like the result. */
  residual?: Tensor | undefined;
  label?: string;
}

interface Form {
  readonly kernel: Kernel;
  readonly constants: Constants;
  readonly workgroups: number;
}

/**
 * y = activation(x·W + bias) + residual, accumulated in f32.
 * x: (…, rows, depth). W: (depth, columns), or one such matrix per batch; with `transposed`,
 * (columns, depth). y: (…, rows, columns).
 */
export function matmul(x: Tensor, weight: Tensor, options: MatmulOptions = {}): Tensor {
  const { transposed = false, bias, activation: name = 'none', residual } = options;
  const { recording } = x;
  const depth = x.size(-1);
  const columns = weight.size(transposed ? -2 : -1);
  const wanted = weight.size(transposed ? -1 : -2);
  if (wanted !== depth) {
    throw new TransformerError(
      'TENSOR_MISMATCH',
      `matmul: ${x.describe()} has rows of ${depth}, but ${weight.describe()} takes ${wanted}.`,
    );
  }
  // A weight that all batches share sees them as more rows of one matrix.
  const batches = weight.shape.length > 2 ? elements(weight.shape.slice(0, -2)) : 1;
  const rows = elements(x.shape) / depth / batches;
  const shape = [...x.shape.slice(0, -1), columns];
  const y = recording.transient(options.label ?? 'matmul', shape);
  const {
    kernel: chosen,
    constants,
    workgroups,
  } = formFor(recording.gpu, {
    batches,
    rows,
    columns,
    transposed,
  });
  recording.dispatch({
    kernel: chosen,
    bindings: { weight, x, bias, residual, y },
    params: {
      batches,
      rows,
      columns,
      depth,
      pitch: weight.pitch,
      weight_stride: batches === 1 ? 0 : weight.size(-2) * weight.pitch,
    },
    constants: {
      ...constants,
      ACTIVATION: activationCodes[name],
      HAS_BIAS: bias !== undefined,
      HAS_RESIDUAL: residual !== undefined,
    },
    workgroups,
  });
  return y;
}

interface Problem {
  readonly batches: number;
  readonly rows: number;
  readonly columns: number;
  readonly transposed: boolean;
}

/** The smallest power of two that is not below a count. */
function powerOfTwo(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, count)));
}

/** The kernel for a device and a shape. */
function formFor(gpu: Gpu, problem: Problem): Form {
  const { batches, rows, columns, transposed } = problem;
  const tiles = (high: number, wide: number): number =>
    batches * Math.ceil(rows / high) * Math.ceil(columns / wide);
  const either = { TRANSPOSED: transposed };
  if (gpu.tier === 'software') {
    const ROWS = powerOfTwo(Math.min(rows, 4));
    if (!gpu.hasQuadSubgroups) {
      return {
        kernel: register,
        constants: { ...either, ROWS },
        workgroups: Math.ceil(tiles(ROWS, 8) / 16),
      };
    }
    if (transposed && rows <= 4) {
      return { kernel: subgroupSkinny, constants: { ROWS }, workgroups: tiles(ROWS, 8) };
    }
    const TALL = rows > 8;
    return {
      kernel: subgroup,
      constants: { ...either, TALL },
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
    const constants = { ...either, TILE, THREAD, DEPTH };
    return { kernel: tile, constants, workgroups: tiles(TILE, TILE) };
  }
}
