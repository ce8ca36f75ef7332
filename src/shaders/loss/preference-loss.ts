// The loss of pairs of texts of which one is preferred.

import { TransformerError } from '../../runtime/errors.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import type { Kernel, Snippet } from '../../runtime/kernel.ts';
import text from './preference-loss.wgsl?raw';
import marginText from './preference-margin.wgsl?raw';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';
import { numbers, workgroup } from '../snippets.ts';
import type { Scalars, Traced } from '../traces.ts';

export const preferenceScalars = {
  pairs: 'u32',
  length: 'u32',
  beta: 'f32',
  smoothing: 'f32',
} as const;

/** Needs `numbers` and what is said of a row. */
export const preferenceMargin: Snippet = { file: 'preference-margin.wgsl', text: marginText };

const forms = rowKernel({
  name: 'preference-loss',
  code: [workgroup, numbers, preferenceMargin, { file: 'preference-loss.wgsl', text }],
  bindings: { x: 'read', reference: 'read', loss: 'write' },
  params: preferenceScalars,
});

export const preferenceLossKernels: readonly Kernel[] = allForms(forms);

export type PreferenceLossEntry = Traced<
  'preference-loss',
  {
    readonly x: Tensor;
    readonly reference: Tensor;
    readonly params: Scalars<typeof preferenceScalars>;
  }
>;

export interface PreferenceLossOptions {
  /** The same of the model that is compared with; it gets no gradient. */
  readonly reference: Tensor;
  /** Tokens of each text. */
  readonly length: number;
  /** β: how far the model may go from the reference; the lower, the farther. */
  readonly beta: number;
  /** How often labels are the wrong way round. */
  readonly smoothing: number;
}

/**
 * -(1 - ε) · log σ(m) - ε · log σ(-m), m = β · (log p(chosen) / p_ref(chosen) - log p(rejected) / p_ref(rejected)), for
 * each pair ("Direct Preference Optimization", Rafailov et al. 2023, arXiv 2305.18290, eq. 7; ε as in "A Note on
 * DPO with Noisy Preferences", Mitchell 2023, eq. 3).
 * x: f32, -log p of each token, those of the chosen texts, then those of the rejected ones, 0 for tokens that do not
 * count: 2 · pairs · length in all. The result: one f32 a pair.
 */
export function preferenceLoss(x: Tensor, options: PreferenceLossOptions): Tensor {
  const { reference, length, beta, smoothing } = options;
  const { recording } = x;
  const size = elements(x.shape);
  const pairs = size / (2 * length);
  if (!Number.isInteger(pairs) || elements(reference.shape) !== size) {
    throw new TransformerError(
      'INPUT_INVALID',
      `preferenceLoss: ${x.describe()} and ${reference.describe()} are not of the same pairs of ${length} tokens.`,
    );
  }
  const params = { pairs, length, beta, smoothing };
  const loss = recording.transient('loss', [pairs]);
  recording.dispatch({
    ...rowForm(forms, recording.gpu, pairs, 4 * length),
    bindings: { x, reference, loss },
    params,
  });
  recording.differentiate({
    op: 'preference-loss',
    output: loss,
    inputs: [x],
    trace: { x, reference, params },
  } satisfies PreferenceLossEntry);
  return loss;
}
