// The kernels of the matrix product, and which one a device and a shape get.

import { blocksOf } from '../../runtime/dtype.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import type { Kernel } from '../../runtime/kernel.ts';
import fourText from './matmul-four.wgsl?raw';
import subgroupText from './matmul-subgroup.wgsl?raw';
import { late, rowInvocation, rowSubgroup, rowSubgroups, rowWorkgroup } from '../snippets.ts';
import {
  type Activation,
  activationCodes,
  anyLayout,
  anyLayouts,
  byFours,
  gating,
  matmulKernel,
  powerOfTwo,
  singly,
} from './matmul-declare.ts';
import { join, matmulGpuKernels, scaleRows, tileForm } from './matmul-gpu.ts';
import { type Form, pitches, type Problem, type Product } from './matmul-problem.ts';
import { matmulVectorKernels, vectorForm } from './matmul-vectors.ts';

export { type Activation, activationCodes };

const four = { file: 'matmul-four.wgsl', text: fourText };
const registers = [
  ...singly,
  ...gating.code,
  four,
  {
    file: 'matmul-register.wgsl',
    text: late(() => import('./matmul-register.wgsl?raw')),
  },
];
const register = matmulKernel('matmul-register', [rowInvocation, ...registers], {
  ...anyLayout,
  ...gating.constants,
  ROWS: [1, 2, 4],
});
const subgroupSkinny = matmulKernel(
  'matmul-subgroup-skinny',
  [rowSubgroup, ...registers],
  { TRANSPOSED: [true], ...gating.constants, ROWS: [1, 2, 4] },
  { entry: 'matmul_register', subgroups: true },
);
const subgroup = matmulKernel(
  'matmul-subgroup',
  [...singly, four, { file: 'matmul-subgroup.wgsl', text: subgroupText }],
  { ...anyLayouts, TALL: [false, true], FOURS: [false, true], ONES: [false, true] },
  { subgroups: true },
);
const blocks = [
  ...byFours,
  { file: 'matmul-blocks.wgsl', text: late(() => import('./matmul-blocks.wgsl?raw')) },
];
const blockConstants = { ...anyLayouts, ROWS: [8, 16] };
const block = matmulKernel(
  'matmul-block',
  [...blocks, { file: 'matmul-block.wgsl', text: late(() => import('./matmul-block.wgsl?raw')) }],
  blockConstants,
);
const lanes = matmulKernel(
  'matmul-lanes',
  [...blocks, { file: 'matmul-lanes.wgsl', text: late(() => import('./matmul-lanes.wgsl?raw')) }],
  blockConstants,
);
const thin = [
  ...singly,
  ...gating.code,
  { file: 'matmul-skinny.wgsl', text: late(() => import('./matmul-skinny.wgsl?raw'), 'gpu') },
];
const thinConstants = { ...gating.constants, ROWS: [1, 2, 4, 8] };
const skinny = matmulKernel('matmul-skinny', [rowWorkgroup, ...thin], thinConstants);
const skinnySubgroups = matmulKernel(
  'matmul-skinny-subgroups',
  [rowSubgroups, ...thin],
  thinConstants,
  { entry: 'matmul_skinny', subgroups: true },
);
export const matmulKernels: readonly Kernel[] = [
  subgroup,
  subgroupSkinny,
  register,
  block,
  lanes,
  ...matmulGpuKernels,
  skinny,
  ...matmulVectorKernels,
  skinnySubgroups,
];

/** Appends a product to the recording of `y`, whatever the shapes of its operands are called. */
export function wholeProduct(
  operands: Product,
  form: Form = formFor(operands.y.recording.gpu, operands),
): void {
  const { bias, residual, activation: name, batches, rows, columns, y } = operands;
  const slices = Number(form.constants['SPLITS'] ?? 1);
  if (slices === 1) {
    dispatch(operands, form);
    return;
  }
  const shape = [slices, batches, rows, columns];
  const partial = y.recording.transient(`${y.label}, in slices`, shape);
  const bare = { ...operands, bias: undefined, residual: undefined, activation: 'none' } as const;
  dispatch({ ...bare, yPitch: columns, y: partial }, form);
  const finish = { bias, residual, ...(name && { activation: name }) };
  join({ partial, ...finish, rows: batches * rows, columns, yPitch: pitches(operands).y, y });
}

function dispatch(operands: Product, form: Form): void {
  const { x, weight, bias, residual, activation: name = 'none', gated = false, y } = operands;
  const { batches, rows, columns, depth, pitch, weightStride } = operands;
  const { x: xPitch, y: yPitch } = pitches(operands);
  const isScaled = 'scale' in form.kernel.bindings;
  const scale = isScaled ? scaleRows(x, batches * rows, depth, xPitch) : undefined;
  y.recording.dispatch({
    ...form,
    bindings: { weight, x, bias, residual, y, ...(scale && { scale }) },
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

/** Multiply-adds from which on a CPU adapter earns back the long compilation of the block kernel. */
const large = 2 ** 20;
/**
 * Elements of x up to which a product with subgroups is mostly done before a loop by fours is compiled. The columns
 * do not count: parts of a weight compute as the whole.
 */
const brief = 2 ** 12;

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
  // A single row gains nothing from blocks of registers, and up to eight nothing from high ones.
  const isLarge = rows > 1 && batches * rows * columns * depth >= large;
  const hasTall = gpu.tier === 'software' && !gpu.hasQuadSubgroups && isLarge && isInFours(problem);
  const isPlain = blocksOf(problem.weight.dtype) === undefined;
  const inVectors = hasTall && isPlain ? undefined : vectorForm(gpu, problem);
  if (inVectors) return inVectors;
  if (gpu.tier === 'software') {
    const ROWS = powerOfTwo(Math.min(rows, 4));
    if (hasTall) {
      // Lanes beside each other, or each with a tile of its own.
      const isShared = gpu.hasSubgroups;
      const height = rows > 8 && tiles(16, 16) >= 32 ? 16 : 8;
      return {
        kernel: isShared ? lanes : block,
        constants: { ...both, ROWS: height },
        workgroups: isShared ? tiles(height, 64) : Math.ceil(tiles(height, 16) / 16),
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
    const FOURS = batches * rows * depth > brief;
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
    const kernel = gpu.hasSubgroups ? skinnySubgroups : skinny;
    return { kernel, constants, workgroups: tiles(rows, 4) };
  }
  return tileForm(gpu, problem, isInFours(problem));
}
