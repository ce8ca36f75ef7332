// How long the rows of a weight with its update are.

import { TransformerError } from '../../runtime/errors.ts';
import type { Kernel } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { allForms, rowForm, rowKernel } from './row-kernel.ts';
import { numbers, workgroup } from '../snippets.ts';
import { weightStorage } from '../storage.ts';
import text from './row-energy.wgsl?raw';

const forms = rowKernel({
  name: 'row-energy',
  code: [workgroup, numbers, weightStorage, { file: 'row-energy.wgsl', text }],
  bindings: { weight: 'read', delta: 'read', energy: 'write' },
  params: { rows: 'u32', columns: 'u32', pitch: 'u32', first: 'u32', scale: 'f32' },
});

export const rowEnergyKernels: readonly Kernel[] = allForms(forms);

/**
 * The sums of the squares of rows of W + scale · delta. weight: (…, columns) in any storage format, from row `first`
 * on; delta: (rows, columns). Result: (rows). It has no gradient: norms are constants to those who divide by them.
 * @throws TransformerError MODEL_UNSUPPORTED for weights that are held in pieces
 */
export function rowEnergy(
  weight: Tensor,
  delta: Tensor,
  { first, scale }: { readonly first: number; readonly scale: number },
): Tensor {
  const { recording } = delta;
  const [rows = 0, columns = 0] = delta.shape;
  if (weight.parts !== undefined || delta.parts !== undefined) {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      `"${weight.label}" is held in pieces, so the norms of its rows are not at hand. Leave it out of targets.`,
    );
  }
  const energy = recording.transient(`energy of ${weight.label}`, [rows]);
  recording.dispatch({
    ...rowForm(forms, recording.gpu, rows, columns),
    bindings: { weight, delta, energy },
    params: { rows, columns, pitch: weight.pitch, first, scale },
  });
  return energy;
}
