// Which experts see which tokens, by a score of each for itself and not by shares of all.

import type { Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { activate } from '../matmul/gates/activate.ts';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';
import { late, numbers, workgroup } from '../snippets.ts';
import type { Traced } from '../traces.ts';
import { groupTokens, type RouteOptions, type Routes } from './route.ts';

const forms = rowKernel({
  name: 'choose-experts',
  code: [
    workgroup,
    numbers,
    { file: 'choose-experts.wgsl', text: late(() => import('./choose-experts.wgsl?raw')) },
  ],
  bindings: { scores: 'read', bias: 'read', experts: 'write', shares: 'write' },
  params: { rows: 'u32', experts: 'u32', chosen: 'u32', scale: 'f32' },
  constants: { HAS_BIAS: [false, true], AMONG_CHOSEN: [false, true] },
});

export const chooseExpertsKernels: readonly Kernel[] = allForms(forms);

/** `amongChosen`: whether the shares come to `scale`, and are not the scores times it. */
export interface SigmoidRouting extends RouteOptions {
  readonly scores: 'sigmoid';
  /** What counts beside an expert's score in the choice alone, (experts). */
  readonly bias: Tensor | undefined;
  readonly scale: number;
}

export type ChooseExpertsEntry = Traced<
  'choose-experts',
  Pick<Routes, 'experts' | 'shares'> &
    Pick<SigmoidRouting, 'amongChosen' | 'scale'> & { readonly scores: Tensor }
>;

/** Chooses experts by the sigmoids of their logits, (…, experts): DeepSeek-V3, arXiv 2412.19437, §2.1.2. */
export function routeBySigmoid(
  logits: Tensor,
  { bias, chosen, amongChosen, scale }: SigmoidRouting,
): Routes {
  const { recording } = logits;
  const count = logits.size(-1);
  if (!(chosen <= count)) throw new RangeError(`routeBySigmoid: ${chosen} of ${count} experts`);
  const scores = activate(logits, 'sigmoid');
  const rows = elements(logits.shape) / count;
  const experts = recording.transient('experts', [rows, chosen], 'u32');
  const shares = recording.transient('shares of experts', [rows, chosen]);
  recording.dispatch({
    ...rowForm(forms, recording.gpu, rows),
    bindings: { scores, bias, experts, shares },
    params: { rows, experts: count, chosen, scale },
    constants: { HAS_BIAS: bias !== undefined, AMONG_CHOSEN: amongChosen },
  });
  recording.differentiate({
    op: 'choose-experts',
    output: shares,
    inputs: [scores],
    trace: { scores, experts, shares, amongChosen, scale },
  } satisfies ChooseExpertsEntry);
  return { experts, shares, ...groupTokens(experts, count) };
}
