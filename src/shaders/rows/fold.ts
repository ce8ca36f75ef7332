// Groups of channels over time, folded to one number each.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late, numbers, workgroup } from '../snippets.ts';

const foldKernel = kernel({
  name: 'fold',
  code: [workgroup, numbers, { file: 'fold.wgsl', text: late(() => import('./fold.wgsl?raw')) }],
  bindings: { x: 'read', other: 'read', sums: 'read', y: 'write' },
  params: { batches: 'u32', groups: 'u32', length: 'u32', per: 'u32', parts: 'u32' },
  constants: { KIND: [0, 1, 2, 3, 4] },
});

export const foldKernels: readonly Kernel[] = [foldKernel];

/** What becomes of numbers as they are folded. */
const kinds = { sum: 0, largest: 1, squares: 2, products: 3, energy: 4 } as const;

/** Numbers that one invocation folds. */
const CHUNK = 128;

export interface FoldOptions {
  readonly kind: keyof typeof kinds;
  /** Of channels that lie side by side; as many as there are channels when absent. */
  readonly groups?: number;
  /** (B, 1, groups): the sums of `x`, for squares, or of `other`, for products. */
  readonly sums?: Tensor;
  /** Like x, for products. */
  readonly other?: Tensor;
}

/**
 * The numbers of each group of channels, at all times, as one: their sum; the largest; the sum of the squares of
 * their distances from the mean; the sum of their products with the distances of `other` from its mean; that of
 * their squares (`energy`). In stages of fixed order. x: (B, T, C). Result: (B, 1, groups).
 */
export function fold(x: Tensor, { kind, groups = x.size(-1), sums, other }: FoldOptions): Tensor {
  const [batches, channels] = [x.size(0), x.size(-1)];
  const length = elements(x.shape) / batches / groups;
  const first = { kind, batches, groups, length, per: channels / groups };
  let y = once(x, first, { other, sums });
  const rest = kind === 'largest' ? kind : 'sum';
  for (let left = y.size(1); left > 1; left = y.size(1)) {
    y = once(y, { kind: rest, batches, groups, length: left, per: 1 });
  }
  return y;
}

interface Stage {
  readonly kind: FoldOptions['kind'];
  readonly batches: number;
  readonly groups: number;
  /** Elements of a group, and how many of them lie side by side. */
  readonly length: number;
  readonly per: number;
}

/** One stage. Result: (B, parts, groups). */
function once(
  x: Tensor,
  { kind, ...sizes }: Stage,
  bound: { readonly other?: Tensor | undefined; readonly sums?: Tensor | undefined } = {},
): Tensor {
  const { batches, groups, length } = sizes;
  const parts = Math.ceil(length / CHUNK);
  const y = x.recording.transient(`${kind} of ${x.label}`, [batches, parts, groups]);
  x.recording.dispatch({
    kernel: foldKernel,
    bindings: { x, ...bound, y },
    params: { ...sizes, parts },
    constants: { KIND: kinds[kind] },
    workgroups: Math.ceil((batches * parts * groups) / 64),
  });
  return y;
}
