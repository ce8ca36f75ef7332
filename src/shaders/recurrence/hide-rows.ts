// Tokens that layers with a state must not see.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';
import type { TokenMemory } from './token-memory.ts';

const hideRowsKernel = kernel({
  name: 'hide-rows',
  code: [workgroup, { file: 'hide-rows.wgsl', text: late(() => import('./hide-rows.wgsl?raw')) }],
  bindings: { x: 'read', place: 'read', table: 'read', y: 'write' },
  params: { batches: 'u32', tokens: 'u32', capacity: 'u32', columns: 'u32' },
});

export const hideRowsKernels: readonly Kernel[] = [hideRowsKernel];

/** x, (R, T, columns), with zeros for tokens that the table hides: padding. */
export function hideRows(x: Tensor, { place, table }: Omit<TokenMemory, 'cache'>): Tensor {
  const y = x.recording.transient(`${x.label}, without padding`, x.shape);
  const [batches, tokens, columns] = [x.size(0), x.size(1), x.size(2)];
  x.recording.dispatch({
    kernel: hideRowsKernel,
    bindings: { x, place, table, y },
    params: { batches, tokens, capacity: table.size(1), columns },
    workgroups: Math.ceil(elements(x.shape) / 64),
  });
  return y;
}
