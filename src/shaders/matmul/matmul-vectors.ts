// Products of few rows, which read the weight 16 bytes at a time.

import type { Gpu } from '../../runtime/gpu.ts';
import type { Kernel, Snippet } from '../../runtime/kernel.ts';
import {
  activation,
  element1,
  late,
  rowInvocation,
  rowWorkgroup,
  tanh,
  workgroup,
} from '../snippets.ts';
import { elementsOfVector, weight16Storage } from '../storage.ts';
import { common, gating, matmulKernel, powerOfTwo } from './matmul-declare.ts';
import { type Form, pitches, type Problem } from './matmul-problem.ts';

const text = { file: 'matmul-vectors.wgsl', text: late(() => import('./matmul-vectors.wgsl?raw')) };
const xs = { file: 'matmul-x4.wgsl', text: late(() => import('./matmul-x4.wgsl?raw')) };
const beside = [workgroup, weight16Storage, element1, tanh, activation, xs, common];
const code = [...beside, ...gating.code, text];

function vectorKernel(form: string, row: Snippet): Kernel {
  return matmulKernel(
    `matmul-vectors-${form}`,
    [row, ...code],
    { ...gating.constants, ROWS: [1, 2, 4, 8] },
    { entry: 'matmul_vectors' },
  );
}

const forms = {
  invocation: vectorKernel('invocation', rowInvocation),
  workgroup: vectorKernel('workgroup', rowWorkgroup),
};

export const matmulVectorKernels: readonly Kernel[] = Object.values(forms);

/**
 * The form for few rows, where those of the weight are whole vectors; undefined where not, and on CPU adapters with
 * subgroups of four, whose lanes compute columns of their own faster.
 */
export function vectorForm(gpu: Gpu, problem: Problem): Form | undefined {
  const { batches, rows, columns, depth, pitch, weightStride, transposed, weight } = problem;
  const length = elementsOfVector(weight.dtype);
  if (length === undefined || !transposed || problem.xTransposed === true) return undefined;
  if (gpu.tier === 'software' && gpu.hasQuadSubgroups) return undefined;
  if (rows > (gpu.tier === 'gpu' ? 8 : 4) || pitches(problem).x % 4 !== 0) return undefined;
  if ([depth, pitch, weightStride].some((size) => size % length !== 0)) return undefined;
  const constants = { ROWS: powerOfTwo(rows) };
  const tiles = batches * Math.ceil(columns / 8);
  if (gpu.tier === 'gpu') return { kernel: forms.workgroup, constants, workgroups: tiles };
  return { kernel: forms.invocation, constants, workgroups: Math.ceil(tiles / 16) };
}
