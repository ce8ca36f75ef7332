// A weight with a low-rank update: "LoRA: Low-Rank Adaptation of Large Language Models" (Hu et al.,
// 2021, arXiv 2106.09685).

import { TransformerError } from '../../runtime/errors.ts';
import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { partsOf, rowsIn, transientInParts } from '../../runtime/parts.ts';
import { sharedRows } from '../../runtime/shared-rows.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import text from './lora.wgsl?raw';
import { weightStorage, workgroup } from '../snippets.ts';
import type { Traced } from '../traces.ts';

const loraKernel = kernel({
  name: 'lora',
  code: [workgroup, weightStorage, { file: 'lora.wgsl', text }],
  bindings: { weight: 'read', delta: 'read', y: 'write' },
  params: {
    rows: 'u32',
    columns: 'u32',
    pitch: 'u32',
    first: 'u32',
    count: 'u32',
    scale: 'f32',
  },
});

export const loraKernels: readonly Kernel[] = [loraKernel];

export type LoraEntry = Traced<
  'lora',
  {
    readonly weight: Tensor;
    readonly delta: Tensor;
    readonly params: LoraRows & { readonly columns: number; readonly count: number };
  }
>;

export interface LoraRows {
  /** The row of the weight that the first row of `delta` is added to. */
  readonly first: number;
  /** α / r */
  readonly scale: number;
}

/**
 * "W₀ + ΔW = W₀ + BA", §4.1, scaled by α / r. weight: (rows, columns) in any storage format; delta,
 * which is B·A: (count, columns), added to the rows from `first` on. Result: (rows, columns) in f32.
 * @throws TransformerError TENSOR_MISMATCH when delta does not fit into these rows
 */
export function lora(weight: Tensor, delta: Tensor, { first, scale }: LoraRows): Tensor {
  const { recording } = delta;
  const [rows, columns, count] = [weight.size(0), weight.size(-1), delta.size(0)];
  if (weight.shape.length !== 2 || delta.size(-1) !== columns || first + count > rows) {
    throw new TransformerError(
      'TENSOR_MISMATCH',
      `lora: ${delta.describe()} cannot be added to ${weight.describe()} from row ${first} on.`,
    );
  }
  const y = partsOf(delta).reduce((sofar, part) => {
    const sum = transientInParts(recording, weight.label, weight.shape);
    for (const { first: start, rows: own, of } of sharedRows(sum, sofar)) {
      const [to, from] = of.map((whole) => {
        const within = { ...whole, first: start - whole.first, rows: own };
        return rowsIn(whole.tensor, within);
      });
      recording.dispatch({
        kernel: loraKernel,
        bindings: { weight: from, delta: part.tensor, y: to },
        params: {
          rows: own,
          columns,
          pitch: sofar.pitch,
          first: first + part.first - start,
          count: part.rows,
          scale,
        },
        workgroups: Math.ceil((own * columns) / 64),
      });
    }
    return sum;
  }, weight);
  recording.differentiate({
    op: 'lora',
    output: y,
    inputs: [weight, delta],
    trace: { weight, delta, params: { columns, first, count, scale } },
  } satisfies LoraEntry);
  return y;
}
