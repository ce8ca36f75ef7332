// Weights that are kept within bounds as they are trained.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import type { Recording } from '../../runtime/record.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';
import type { Traced } from '../traces.ts';

const params = { size: 'u32', limit: 'f32' } as const;

const clampKernel = kernel({
  name: 'clamp',
  entry: 'clamp_elements',
  code: [workgroup, { file: 'clamp.wgsl', text: late(() => import('./clamp.wgsl?raw')) }],
  bindings: { x: 'read', y: 'write' },
  params,
});

const inPlaceKernel = kernel({
  name: 'clamp-in-place',
  code: [
    workgroup,
    { file: 'clamp-in-place.wgsl', text: late(() => import('./clamp-in-place.wgsl?raw')) },
  ],
  bindings: { x: 'write' },
  params,
});

export const clampKernels: readonly Kernel[] = [clampKernel, inPlaceKernel];

/**
 * Whose gradient is that of its bounded values: `inside` only of what is not beyond the bounds; `all` of everything, as of
 * what was brought within them before.
 */
export type ClampGradient = 'inside' | 'all';

export type ClampEntry = Traced<
  'clamp',
  { readonly x: Tensor; readonly limit: number; readonly gradient: ClampGradient }
>;

/** min(max(x, -limit), limit) of an f32 weight of any shape. */
export function clamp(
  recording: Recording,
  x: Tensor,
  { limit, gradient }: { readonly limit: number; readonly gradient: ClampGradient },
): Tensor {
  const y = recording.transient(`${x.label}, bounded`, x.shape);
  const size = elements(x.shape);
  recording.dispatch({
    kernel: clampKernel,
    bindings: { x, y },
    params: { size, limit },
    workgroups: Math.ceil(size / 64),
  });
  recording.differentiate({
    op: 'clamp',
    output: y,
    inputs: [x],
    trace: { x, limit, gradient },
  } satisfies ClampEntry);
  return y;
}

/** The same where x stands, without a gradient. */
export function clampInPlace(x: Tensor, limit: number): void {
  const size = elements(x.shape);
  x.recording.dispatch({
    kernel: inPlaceKernel,
    bindings: { x },
    params: { size, limit },
    workgroups: Math.ceil(size / 64),
  });
}
