// Tensors side by side.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';

const joinColumnsKernel = kernel({
  name: 'join-columns',
  code: [
    workgroup,
    { file: 'join-columns.wgsl', text: late(() => import('./join-columns.wgsl?raw')) },
  ],
  bindings: { x: 'read', y: 'write' },
  params: { size: 'u32', columns: 'u32', first: 'u32', all: 'u32' },
});

export const joinColumnsKernels: readonly Kernel[] = [joinColumnsKernel];

/** Tensors of as many rows beside each other: (…, C₁), (…, C₂), … to (…, C₁ + C₂ + …). It has no gradient yet. */
export function joinColumns(parts: readonly [Tensor, ...Tensor[]], label: string): Tensor {
  const [{ recording, shape }] = parts;
  const all = parts.reduce((sum, part) => sum + part.size(-1), 0);
  const y = recording.transient(label, [...shape.slice(0, -1), all]);
  let first = 0;
  for (const x of parts) {
    const [size, columns] = [elements(x.shape), x.size(-1)];
    recording.dispatch({
      kernel: joinColumnsKernel,
      bindings: { x, y },
      params: { size, columns, first, all },
      parts: ['y'],
      workgroups: Math.ceil(size / 64),
    });
    first += columns;
  }
  return y;
}
