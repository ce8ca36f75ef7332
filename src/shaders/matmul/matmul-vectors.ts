// Products of few rows, which read the weight 16 bytes at a time.

import type { Gpu } from '../../runtime/gpu.ts';
import type { Kernel, Snippet } from '../../runtime/kernel.ts';
import type { Dtype } from '../../runtime/dtype.ts';
import {
  activation,
  element4,
  late,
  rowInvocation,
  rowSubgroup,
  rowWorkgroup,
  tanh,
  workgroup,
} from '../snippets.ts';
import { elementsOfVector, weight16Storage } from '../storage.ts';
import { common, gating, matmulKernel, powerOfTwo } from './matmul-declare.ts';
import type { Form } from './matmul-kernels.ts';

const text = { file: 'matmul-vectors.wgsl', text: late(() => import('./matmul-vectors.wgsl?raw')) };
const code = [workgroup, weight16Storage, element4, tanh, activation, common, ...gating.code, text];

function vectorKernel(form: string, row: Snippet): Kernel {
  return matmulKernel(
    `matmul-vectors-${form}`,
    [row, ...code],
    { ...gating.constants, ROWS: [1, 2, 4, 8] },
    { entry: 'matmul_vectors', subgroups: form === 'subgroup' },
  );
}

const forms = {
  invocation: vectorKernel('invocation', rowInvocation),
  subgroup: vectorKernel('subgroup', rowSubgroup),
  workgroup: vectorKernel('workgroup', rowWorkgroup),
};

export const matmulVectorKernels: readonly Kernel[] = Object.values(forms);

/** What decides about the form. All lengths are multiples of four. */
export interface VectorProblem {
  readonly batches: number;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly pitch: number;
  readonly weightStride: number;
  readonly transposed: boolean;
  readonly xTransposed?: boolean;
  readonly weight?: { readonly dtype: Dtype };
}

/** The form for few rows, where those of the weight are whole vectors; undefined where not. */
export function vectorForm(gpu: Gpu, problem: VectorProblem): Form | undefined {
  const { batches, rows, columns, depth, pitch, weightStride, transposed, weight } = problem;
  const length = weight && elementsOfVector(weight.dtype);
  const isWhole = [depth, pitch, weightStride].every((size) => size % (length ?? 1) === 0);
  // A gated product stores half as many columns, four at a time.
  if (!length || !isWhole || !transposed || columns % 8 !== 0) return undefined;
  if (problem.xTransposed === true || rows > (gpu.tier === 'gpu' ? 8 : 4)) return undefined;
  const constants = { ROWS: powerOfTwo(rows) };
  const tiles = (batches * columns) / 8;
  if (gpu.tier === 'gpu') return { kernel: forms.workgroup, constants, workgroups: tiles };
  if (gpu.hasQuadSubgroups) return { kernel: forms.subgroup, constants, workgroups: tiles };
  return { kernel: forms.invocation, constants, workgroups: Math.ceil(tiles / 16) };
}
