// Products with the weights of chosen experts, and of these alone.

import { TransformerError } from '../../runtime/errors.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import { type Constants, kernel, type Kernel } from '../../runtime/kernel.ts';
import { partsOf } from '../../runtime/parts.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';
import { late, workgroup } from '../snippets.ts';
import { weightStorage } from '../storage.ts';
import type { Traced } from '../traces.ts';
import type { Routes } from './route.ts';

const rows = {
  file: 'expert-rows.wgsl',
  text: late(() => import('./expert-rows.wgsl?raw')),
};

const bindings = {
  weight: 'read',
  x: 'read',
  bias: 'read',
  starts: 'read',
  order: 'read',
  y: 'write',
} as const;

const params = {
  choices: 'u32',
  experts: 'u32',
  columns: 'u32',
  depth: 'u32',
  pitch: 'u32',
  x_pitch: 'u32',
  share: 'u32',
  first: 'u32',
  part: 'u32',
} as const;

const forms = rowKernel({
  name: 'expert-matmul',
  code: [
    workgroup,
    weightStorage,
    rows,
    { file: 'expert-matmul.wgsl', text: late(() => import('./expert-matmul.wgsl?raw')) },
  ],
  bindings,
  params,
  constants: { ROWS: [1, 4, 16], HAS_BIAS: [false, true] },
});

const tileKernel = kernel({
  name: 'expert-tile',
  operation: 'expert-matmul',
  code: [
    workgroup,
    weightStorage,
    rows,
    { file: 'expert-tile.wgsl', text: late(() => import('./expert-tile.wgsl?raw')) },
  ],
  bindings,
  params,
  constants: { HAS_BIAS: [false, true] },
});

export const expertMatmulKernels: readonly Kernel[] = [...allForms(forms), tileKernel];

/** The layer of all experts: W (experts · out, in), the rows of one below those of another; bias (experts · out). */
export interface ExpertWeights {
  readonly weight: Tensor;
  readonly bias?: Tensor | undefined;
}

export type ExpertMatmulEntry = Traced<
  'expert-matmul',
  ExpertWeights & Pick<Routes, 'starts' | 'order'> & { readonly x: Tensor; readonly share: number }
>;

interface Form {
  readonly kernel: Kernel;
  readonly workgroups: number;
  readonly constants: Constants;
}

/** The form for a device, by how many choices an expert has in the mean. */
function formOf(
  gpu: Gpu,
  { choices, experts, columns }: Readonly<Record<'choices' | 'experts' | 'columns', number>>,
): Form {
  // Experts that are chosen have a tile each, and more where they fill them.
  const tiles = (height: number): number =>
    Math.floor((choices + Math.min(experts, choices) * (height - 1)) / height);
  const areMany = choices >= 8 * experts;
  if (areMany && gpu.tier === 'gpu') {
    const workgroups = tiles(32) * Math.ceil(columns / 32);
    return { kernel: tileKernel, workgroups, constants: {} };
  }
  const ROWS = choices <= experts ? 1 : areMany ? 16 : 4;
  const found = rowForm(forms, gpu, tiles(ROWS) * Math.ceil(columns / 8));
  return { ...found, constants: { ROWS } };
}

/**
 * xW[e]ᵀ + bias[e] for each choice of a token, e being its expert. x: (tokens, in), or (choices, in) of what each
 * choice has of its own. Result: (choices, out), in the order of the choices.
 * @throws TransformerError TENSOR_MISMATCH when sizes do not fit together
 */
export function expertMatmul(
  x: Tensor,
  { weight, bias }: ExpertWeights,
  { starts, order }: Routes,
): Tensor {
  const { recording } = x;
  const experts = starts.size(0) - 1;
  const [choices, depth] = [order.size(0), weight.size(1)];
  const columns = weight.size(0) / experts;
  const share = choices / (elements(x.shape) / x.size(-1));
  if (x.size(-1) !== depth || columns % 1 !== 0 || share % 1 !== 0) {
    throw new TransformerError(
      'TENSOR_MISMATCH',
      `expertMatmul: ${weight.describe()} of ${experts} experts does not go with ${x.describe()}.`,
    );
  }
  const y = recording.transient('experts', [choices, columns]);
  const form = formOf(recording.gpu, { choices, experts, columns });
  const parts = partsOf(weight);
  for (const { tensor, first, rows: part } of parts) {
    recording.dispatch({
      ...form,
      bindings: { weight: tensor, x, bias, starts, order, y },
      params: {
        choices,
        experts,
        columns,
        depth,
        pitch: weight.pitch,
        x_pitch: x.pitch,
        share,
        first,
        part,
      },
      constants: { ...form.constants, HAS_BIAS: bias !== undefined },
      parts: parts.length > 1 ? ['y'] : [],
    });
  }
  recording.differentiate({
    op: 'expert-matmul',
    output: y,
    inputs: [x, weight, bias],
    trace: { x, weight, bias, starts, order, share },
  } satisfies ExpertMatmulEntry);
  return y;
}
