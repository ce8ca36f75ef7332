// The gradients of products with the weights of chosen experts. Sums go over the choices of an expert in their
// order, so that two runs agree.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { partsOf, transientLike } from '../../runtime/parts.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { workgroup } from '../snippets.ts';
import { weightStorage } from '../storage.ts';
import type { Rule } from '../traces.ts';
import biasText from './expert-matmul-backward-bias.wgsl?raw';
import weightText from './expert-matmul-backward-weight.wgsl?raw';
import inputText from './expert-matmul-backward-x.wgsl?raw';
import type { ExpertMatmulEntry } from './expert-matmul.ts';
import { sumChoices } from './mix-experts.ts';

const inputKernel = kernel({
  name: 'expert-matmul-backward-x',
  code: [workgroup, weightStorage, { file: 'expert-matmul-backward-x.wgsl', text: inputText }],
  bindings: {
    weight: 'read',
    dy: 'read',
    before: 'read',
    starts: 'read',
    order: 'read',
    dx: 'write',
  },
  params: {
    choices: 'u32',
    experts: 'u32',
    columns: 'u32',
    depth: 'u32',
    pitch: 'u32',
    first: 'u32',
    part: 'u32',
  },
  constants: { ROWS: [1, 4], HAS_BEFORE: [false, true] },
});

const weightKernel = kernel({
  name: 'expert-matmul-backward-weight',
  code: [workgroup, { file: 'expert-matmul-backward-weight.wgsl', text: weightText }],
  bindings: { x: 'read', dy: 'read', starts: 'read', order: 'read', dw: 'write' },
  params: {
    experts: 'u32',
    columns: 'u32',
    depth: 'u32',
    x_pitch: 'u32',
    share: 'u32',
    first: 'u32',
    part: 'u32',
  },
});

const biasKernel = kernel({
  name: 'expert-matmul-backward-bias',
  code: [workgroup, { file: 'expert-matmul-backward-bias.wgsl', text: biasText }],
  bindings: { dy: 'read', starts: 'read', order: 'read', db: 'write' },
  params: { experts: 'u32', columns: 'u32' },
});

export const expertMatmulBackwardKernels: readonly Kernel[] = [
  inputKernel,
  weightKernel,
  biasKernel,
];

/** In the forward pass this was y[c] = x[c / share]·W[e]ᵀ + b[e]. */
export const expertMatmulBackward: Rule<ExpertMatmulEntry> = ({ trace }, dy) => {
  const { x, weight, bias, share } = trace;
  const dx = (): Tensor => {
    const label = `d ${x.label}`;
    const choices = dChoices(trace, dy, share === 1 ? x.shape : undefined);
    return share === 1 ? choices : sumChoices(choices, label, x.shape);
  };
  return [
    [x, dx],
    [weight, () => dWeight(trace, dy)],
    [bias, () => dBias(trace, dy)],
  ];
};

type Trace = ExpertMatmulEntry['trace'];

/** What reaches each choice: (choices, in), or of another shape. */
function dChoices(
  { x, weight, starts, order }: Trace,
  dy: Tensor,
  shape: readonly number[] = [order.size(0), x.size(-1)],
): Tensor {
  const { recording } = dy;
  const [experts, choices, depth] = [starts.size(0) - 1, order.size(0), x.size(-1)];
  const ROWS = choices <= experts ? 1 : 4;
  const rowTiles = Math.floor((choices + Math.min(experts, choices) * (ROWS - 1)) / ROWS);
  // Over parts of the weights: each takes the sum so far.
  let before: Tensor | undefined;
  for (const { tensor, first, rows: part } of partsOf(weight)) {
    const dx = recording.transient(`d ${x.label}`, shape);
    recording.dispatch({
      kernel: inputKernel,
      bindings: { weight: tensor, dy, before, starts, order, dx },
      params: {
        choices,
        experts,
        columns: dy.size(-1),
        depth,
        pitch: weight.pitch,
        first,
        part,
      },
      constants: { ROWS, HAS_BEFORE: before !== undefined },
      workgroups: Math.ceil((rowTiles * Math.ceil(depth / 4)) / 64),
    });
    before = dx;
  }
  if (before === undefined) throw new RangeError(`${weight.label} has no parts`);
  return before;
}

function dWeight({ x, weight, starts, order, share }: Trace, dy: Tensor): Tensor {
  const { recording } = dy;
  const [experts, columns, depth] = [starts.size(0) - 1, dy.size(-1), x.size(-1)];
  const all = transientLike(weight, { label: `d ${weight.label}`, recording });
  for (const { tensor: dw, first, rows: part } of partsOf(all)) {
    recording.dispatch({
      kernel: weightKernel,
      bindings: { x, dy, starts, order, dw },
      params: { experts, columns, depth, x_pitch: x.pitch, share, first, part },
      workgroups: Math.ceil((experts * Math.ceil(columns / 4) * Math.ceil(depth / 4)) / 64),
    });
  }
  return all;
}

function dBias({ bias, starts, order }: Trace, dy: Tensor): Tensor {
  const { recording } = dy;
  const [experts, columns] = [starts.size(0) - 1, dy.size(-1)];
  const db = recording.transient(`d ${bias?.label ?? ''}`, bias?.shape ?? [experts * columns]);
  recording.dispatch({
    kernel: biasKernel,
    bindings: { dy, starts, order, db },
    params: { experts, columns },
    workgroups: Math.ceil((experts * columns) / 64),
  });
  return db;
}
