// Columns brought to lengths of their own: "DoRA: Weight-Decomposed Low-Rank Adaptation" (Liu et al. 2024, arXiv
// 2402.09353).

import { kernel, type Kernel } from '../../../runtime/kernel.ts';
import { forRows, transientLike } from '../../../runtime/parts.ts';
import type { Recording } from '../../../runtime/record.ts';
import { elements, type Tensor } from '../../../runtime/tensor.ts';
import { workgroup } from '../../snippets.ts';
import type { Traced } from '../../traces.ts';
import text from './rescale.wgsl?raw';

const rescaleKernel = kernel({
  name: 'rescale',
  code: [workgroup, { file: 'rescale.wgsl', text }],
  bindings: { y: 'read', magnitude: 'read', energy: 'read', bias: 'read', z: 'write' },
  params: { size: 'u32', columns: 'u32', left: 'u32', width: 'u32' },
  constants: { HAS_BIAS: [false, true] },
});

export const rescaleKernels: readonly Kernel[] = [rescaleKernel];

export interface Rescaling {
  /** m, (width): the length that each column is brought to. */
  readonly magnitude: Tensor;
  /** (width): the squares of the lengths that they have, see `rowEnergy`; constants on the way back. */
  readonly energy: Tensor;
  /** (columns), which y holds already and which stays as it is; constants on the way back. */
  readonly bias?: Tensor | undefined;
  /** The first column. */
  readonly left: number;
}

export type RescaleEntry = Traced<'rescale', { readonly y: Tensor } & Rescaling>;

/**
 * m · xV / ‖V‖, of y = xV + bias, in columns from `left` on (eq. 5); the others stay. y and result: (…, columns). The
 * norm is a constant on the way back (§4.3).
 */
export function rescale(y: Tensor, rescaling: Rescaling): Tensor {
  const z = rescaled(y.recording, y, rescaling);
  y.recording.differentiate({
    op: 'rescale',
    output: z,
    inputs: [y, rescaling.magnitude],
    trace: { y, ...rescaling },
  } satisfies RescaleEntry);
  return z;
}

/** The same without a gradient. */
export function rescaled(
  recording: Recording,
  y: Tensor,
  { magnitude, energy, bias, left }: Rescaling,
): Tensor {
  const z = transientLike(y, { label: y.label, recording });
  const width = elements(magnitude.shape);
  forRows(y, (part, rows) => {
    const size = elements(part.shape);
    recording.dispatch({
      kernel: rescaleKernel,
      bindings: { y: part, magnitude, energy, bias, z: rows(z) },
      params: { size, columns: y.size(-1), left, width },
      constants: { HAS_BIAS: bias !== undefined },
      workgroups: Math.ceil(size / 64),
    });
  });
  return z;
}
