// Tensors side by side.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';
import type { Scalars, Traced } from '../traces.ts';

/** The scalars there and back. */
export const joinColumnsParams = { size: 'u32', columns: 'u32', first: 'u32', all: 'u32' } as const;

const joinColumnsKernel = kernel({
  name: 'join-columns',
  code: [
    workgroup,
    { file: 'join-columns.wgsl', text: late(() => import('./join-columns.wgsl?raw')) },
  ],
  bindings: { x: 'read', y: 'write' },
  params: joinColumnsParams,
});

export const joinColumnsKernels: readonly Kernel[] = [joinColumnsKernel];

interface JoinedPart {
  readonly x: Tensor;
  readonly params: Scalars<typeof joinColumnsParams>;
}

export type JoinColumnsEntry = Traced<'join-columns', { readonly parts: readonly JoinedPart[] }>;

/** Tensors of as many rows beside each other: (…, C₁), (…, C₂), … to (…, C₁ + C₂ + …). */
export function joinColumns(parts: readonly [Tensor, ...Tensor[]], label: string): Tensor {
  const [{ recording, shape }] = parts;
  const all = parts.reduce((sum, part) => sum + part.size(-1), 0);
  const y = recording.transient(label, [...shape.slice(0, -1), all]);
  const joined: JoinedPart[] = [];
  let first = 0;
  for (const x of parts) {
    const [size, columns] = [elements(x.shape), x.size(-1)];
    const params = { size, columns, first, all };
    putColumns(x, y, params);
    joined.push({ x, params });
    first += columns;
  }
  recording.differentiate({
    op: 'join-columns',
    output: y,
    inputs: parts,
    trace: { parts: joined },
  } satisfies JoinColumnsEntry);
  return y;
}

/** Puts the columns of x where they stand among those of y. */
export function putColumns(x: Tensor, y: Tensor, params: JoinedPart['params']): void {
  y.recording.dispatch({
    kernel: joinColumnsKernel,
    bindings: { x, y },
    params,
    parts: ['y'],
    workgroups: Math.ceil(params.size / 64),
  });
}
