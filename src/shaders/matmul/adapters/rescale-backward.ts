// The gradient of columns that were brought to lengths of their own.

import { kernel, type Kernel } from '../../../runtime/kernel.ts';
import { forRows, rowsOf, transientInParts } from '../../../runtime/parts.ts';
import { elements, type Tensor } from '../../../runtime/tensor.ts';
import { columnSum } from '../columns/column-sum.ts';
import { workgroup } from '../../snippets.ts';
import type { Rule } from '../../traces.ts';
import { rescaled, type RescaleEntry } from './rescale.ts';
import text from './rescale-products.wgsl?raw';

const productsKernel = kernel({
  name: 'rescale-products',
  code: [workgroup, { file: 'rescale-products.wgsl', text }],
  bindings: { dz: 'read', y: 'read', energy: 'read', bias: 'read', products: 'write' },
  params: { size: 'u32', columns: 'u32', left: 'u32', width: 'u32' },
  constants: { HAS_BIAS: [false, true] },
});

export const rescaleBackwardKernels: readonly Kernel[] = [productsKernel];

/** y gets dz · m / ‖V‖, m the sums of dz · xV / ‖V‖ over all rows. */
export const rescaleBackward: Rule<RescaleEntry> = ({ trace }, dz) => {
  const { y, magnitude, energy, bias, left } = trace;
  const dmOf = (): Tensor => {
    const { recording } = dz;
    const width = elements(magnitude.shape);
    const label = `d ${magnitude.label}`;
    const products = transientInParts(recording, label, [rowsOf(y), width]);
    forRows(y, (part, rows) => {
      const size = rowsOf(part) * width;
      recording.dispatch({
        kernel: productsKernel,
        bindings: { dz: rows(dz), y: part, energy, bias, products: rows(products) },
        params: { size, columns: y.size(-1), left, width },
        constants: { HAS_BIAS: bias !== undefined },
        workgroups: Math.ceil(size / 64),
      });
    });
    return columnSum(products, label, magnitude.shape);
  };
  return [
    [y, () => rescaled(dz.recording, dz, { magnitude, energy, left })],
    [magnitude, dmOf],
  ];
};
