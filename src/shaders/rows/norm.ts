// Normalization along the last axis with fused residual: by mean and variance, or by the mean square.

import type { Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { inBothWidths } from '../elementwise/element-kernel.ts';
import text from './norm.wgsl?raw';
import { allWidths, rowFormOfWidth, rowKernel } from './row-kernel.ts';
import { workgroup } from '../snippets.ts';
import type { Scalars, Traced } from '../traces.ts';

/** The scalars of both kinds, there and back. */
export const normParams = { rows: 'u32', columns: 'u32', eps: 'f32', offset: 'f32' } as const;

const formsOf = (name: string, centred: boolean) =>
  inBothWidths(
    {
      name,
      entry: 'norm',
      code: [workgroup, { file: 'norm.wgsl', text }],
      bindings: {
        x: 'read',
        residual: 'read',
        weight: 'read',
        bias: 'read',
        sum: 'write',
        y: 'write',
      },
      params: normParams,
      constants: { HAS_RESIDUAL: [false, true], CENTRED: [centred] },
    },
    rowKernel,
  );

const layerNorm = formsOf('layer-norm', true);
const rmsNorm = formsOf('rms-norm', false);

export const normKernels: readonly Kernel[] = [...allWidths(layerNorm), ...allWidths(rmsNorm)];

export type NormEntry = Traced<
  'norm',
  {
    readonly x: Tensor;
    readonly residual: Tensor | undefined;
    readonly weight: Tensor;
    /** Of layer norms. */
    readonly bias: Tensor | undefined;
    /** x + residual, where there is one. */
    readonly sum: Tensor | undefined;
    readonly label: string;
    readonly params: Scalars<typeof normParams>;
  }
>;

/** γ (`weight`) and β (`bias`), each (columns), and the ε added to the variance. */
export interface LayerNormWeights {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly eps: number;
}

/** The gain (`weight`), (columns), and the ε added to the mean square. */
export interface RmsNormWeights {
  readonly weight: Tensor;
  readonly eps: number;
  /** Added to the gain: 1 where it is stored as the difference from 1, 0 when absent. */
  readonly offset?: number;
}

/** Layer norms have a bias, RMS norms have none. */
export type NormWeights = LayerNormWeights | RmsNormWeights;

/**
 * LayerNorm(x + residual), arXiv 1607.06450, or RMSNorm of it, arXiv 1910.07467. x, residual and the
 * result: (…, columns).
 */
export function normalize(
  x: Tensor,
  weights: NormWeights,
  options: { residual?: Tensor | undefined; label?: string } = {},
): Tensor {
  const { recording } = x;
  const { weight, bias, eps, offset = 0 }: RmsNormWeights & Partial<LayerNormWeights> = weights;
  const centred = bias !== undefined;
  const { residual, label = centred ? 'layer norm' : 'RMS norm' } = options;
  const columns = x.size(-1);
  const rows = elements(x.shape) / columns;
  const y = recording.transient(label, x.shape);
  const sum = residual && recording.transient(`${label} input`, x.shape);
  const params = { rows, columns, eps, offset };
  recording.dispatch({
    ...rowFormOfWidth(centred ? layerNorm : rmsNorm, recording.gpu, rows, columns),
    bindings: { x, residual, weight, bias, sum, y },
    params,
    constants: { HAS_RESIDUAL: residual !== undefined, CENTRED: centred },
  });
  recording.differentiate({
    op: 'norm',
    output: y,
    inputs: [x, residual, weight, bias],
    trace: { x, residual, weight, bias, sum, label, params },
  } satisfies NormEntry);
  return y;
}
