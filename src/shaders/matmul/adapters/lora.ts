// A weight, or what a layer computes, with a low-rank update: "LoRA: Low-Rank Adaptation of Large
// Language Models" (Hu et al., 2021, arXiv 2106.09685).

import { TransformerError } from '../../../runtime/errors.ts';
import { kernel, type Kernel } from '../../../runtime/kernel.ts';
import { partsOf, rowsIn, rowsOf, transientInParts } from '../../../runtime/parts.ts';
import { sharedRows } from '../../../runtime/shared-rows.ts';
import type { Tensor } from '../../../runtime/tensor.ts';
import text from './lora.wgsl?raw';
import { workgroup } from '../../snippets.ts';
import { weightStorage } from '../../storage.ts';
import type { Scalars, Traced } from '../../traces.ts';

const scalars = {
  rows: 'u32',
  columns: 'u32',
  pitch: 'u32',
  first: 'u32',
  count: 'u32',
  left: 'u32',
  width: 'u32',
  scale: 'f32',
} as const;

const loraKernel = kernel({
  name: 'lora',
  code: [workgroup, weightStorage, { file: 'lora.wgsl', text }],
  bindings: { weight: 'read', delta: 'read', y: 'write' },
  params: scalars,
});

export const loraKernels: readonly Kernel[] = [loraKernel];

export type LoraEntry = Traced<
  'lora',
  {
    readonly weight: Tensor;
    readonly delta: Tensor;
    readonly params: Scalars<Omit<typeof scalars, 'rows' | 'pitch'>>;
  }
>;

export interface LoraPlace {
  /** The row of the weight that the first row of `delta` is added to; 0 when absent. */
  readonly first?: number;
  /** The column that its first column is added to; 0 when absent. */
  readonly left?: number;
  /** α / r */
  readonly scale: number;
}

/**
 * "W₀ + ΔW = W₀ + BA", §4.1, scaled by α / r. weight: (…, rows, columns) in any storage format; delta,
 * which is B·A: (…, count, width), added from row `first` and column `left` on. Result: (…, rows, columns)
 * in f32. "h = W₀x + ΔWx = W₀x + BAx" (eq. 3) is the same of W₀x and BAx.
 * @throws TransformerError TENSOR_MISMATCH when delta does not fit in there
 */
export function lora(
  weight: Tensor,
  delta: Tensor,
  { first = 0, left = 0, scale }: LoraPlace,
): Tensor {
  const { recording } = delta;
  const [rows, columns] = [rowsOf(weight), weight.size(-1)];
  const [count, width] = [rowsOf(delta), delta.size(-1)];
  if (first + count > rows || left + width > columns) {
    throw new TransformerError(
      'TENSOR_MISMATCH',
      `lora: ${delta.describe()} cannot be added to ${weight.describe()} from row ${first} and ` +
        `column ${left} on.`,
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
          left,
          width,
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
    trace: { weight, delta, params: { columns, first, count, left, width, scale } },
  } satisfies LoraEntry);
  return y;
}
