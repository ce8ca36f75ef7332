// Gated linear units: "GLU Variants Improve Transformer" (Shazeer, 2020, arXiv 2002.05202), on their
// own and fused with the product they gate.

import { TransformerError } from '../../../runtime/errors.ts';
import { kernel, type Kernel } from '../../../runtime/kernel.ts';
import { elements, type Tensor } from '../../../runtime/tensor.ts';
import { elementForm, inBothWidths } from '../../elementwise/element-kernel.ts';
import text from './gated.wgsl?raw';
import { type Activation, activationCodes, formFor, wholeProduct } from '../matmul-kernels.ts';
import { matmul } from '../matmul.ts';
import { activation, tanh, workgroup } from '../../snippets.ts';
import type { Scalars, Traced } from '../../traces.ts';

/** The scalars there and back. */
export const gatedParams = { rows: 'u32', columns: 'u32', value_first: 'u32' } as const;

const forms = inBothWidths(
  {
    name: 'gated',
    code: [workgroup, tanh, activation, { file: 'gated.wgsl', text }],
    bindings: { x: 'read', y: 'write' },
    params: gatedParams,
    constants: { ACTIVATION: Object.values(activationCodes) },
  },
  kernel,
);

export const gatedKernels: readonly Kernel[] = [forms.singly, forms.fours];

export type GatedEntry = Traced<
  'gated',
  {
    readonly x: Tensor;
    readonly params: Scalars<typeof gatedParams>;
    readonly constants: { readonly ACTIVATION: number };
  }
>;

interface OwnOptions {
  /** Whether the value stands before the gate. */
  readonly valueFirst?: boolean | undefined;
  readonly label?: string;
}

/**
 * activation(gate) · value. x: (…, 2 · d_ff), the gate and then the value in each row.
 * Result: (…, d_ff).
 */
export function gated(
  x: Tensor,
  name: Activation,
  { valueFirst = false, label = 'gated' }: OwnOptions = {},
): Tensor {
  const { recording } = x;
  const columns = x.size(-1) / 2;
  const rows = elements(x.shape) / columns / 2;
  const y = recording.transient(label, [...x.shape.slice(0, -1), columns]);
  const shared = {
    params: { rows, columns, value_first: Number(valueFirst) },
    constants: { ACTIVATION: activationCodes[name] },
  };
  recording.dispatch({
    ...elementForm(forms, elements(y.shape), columns),
    bindings: { x, y },
    ...shared,
  });
  recording.differentiate({
    op: 'gated',
    output: y,
    inputs: [x],
    trace: { x, ...shared },
  } satisfies GatedEntry);
  return y;
}

export interface GatedOptions {
  readonly activation: Activation;
  /** (2 · d_ff) */
  readonly bias?: Tensor | undefined;
  readonly label?: string;
}

/**
 * activation(x·Wᵍ + biasᵍ) · (x·Wᵘ + biasᵘ), in one kernel where few rows make that the fastest, as in
 * decoding. x: (…, d_model). weight: (2 · d_ff, d_model), the rows of Wᵍ transposed, then those of Wᵘ.
 * Result: (…, d_ff).
 * @throws TransformerError TENSOR_MISMATCH when x and the weight do not fit together
 */
export function gatedLinear(x: Tensor, weight: Tensor, options: GatedOptions): Tensor {
  const { activation: name, bias, label = 'gated' } = options;
  const { recording } = x;
  const depth = x.size(-1);
  const columns = weight.size(0) / 2;
  if (weight.shape.length !== 2 || weight.size(1) !== depth || columns % 1 !== 0) {
    throw new TransformerError(
      'TENSOR_MISMATCH',
      `gatedLinear: ${weight.describe()} should be (2 · d_ff, ${depth}) for ${x.describe()}.`,
    );
  }
  const rows = elements(x.shape) / depth;
  const sizes = { batches: 1, rows, depth, transposed: true, pitch: weight.pitch, weightStride: 0 };
  const form = formFor(recording.gpu, { ...sizes, weight, columns: 2 * columns });
  // The way back needs the product itself; parts of a weight hold gates without their values.
  const isSplit = weight.parts !== undefined;
  if (recording.training || isSplit || !('GATED' in form.kernel.constants)) {
    const sums = matmul(x, weight, { transposed: true, bias, label: `${label} input` });
    return gated(sums, name, { label });
  }
  const y = recording.transient(label, [...x.shape.slice(0, -1), columns]);
  wholeProduct({ x, weight, bias, activation: name, gated: true, y, ...sizes, columns }, form);
  return y;
}
