// How evenly experts are used: the auxiliary loss of Switch Transformers (Fedus et al., 2021, arXiv 2101.03961,
// §2.2, eq. 4–6), of all experts that a token chose, and over all layers at once.

import type { Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';
import { softmax } from '../rows/softmax.ts';
import { late, workgroup } from '../snippets.ts';
import type { Traced } from '../traces.ts';
import type { Routes } from './route.ts';

const sumForms = rowKernel({
  name: 'balance-sums',
  code: [
    workgroup,
    { file: 'balance-sums.wgsl', text: late(() => import('./balance-sums.wgsl?raw')) },
  ],
  bindings: {
    probabilities: 'read',
    experts: 'read',
    mask: 'read',
    before: 'read',
    sums: 'write',
  },
  params: { rows: 'u32', experts: 'u32', chosen: 'u32' },
  constants: { HAS_BEFORE: [false, true] },
});

const lossForms = rowKernel({
  name: 'balance-loss',
  code: [
    workgroup,
    { file: 'balance-loss.wgsl', text: late(() => import('./balance-loss.wgsl?raw')) },
  ],
  bindings: { sums: 'read', mask: 'read', y: 'write', factor: 'write' },
  params: { rows: 'u32', experts: 'u32', layers: 'u32', factor: 'f32' },
});

export const balanceLossKernels: readonly Kernel[] = [
  ...allForms(sumForms),
  ...allForms(lossForms),
];

/** What a layer's router has said of all tokens, and which experts these got. */
export interface RoutedLayer extends Pick<Routes, 'experts'> {
  /** (B, T, experts) */
  readonly logits: Tensor;
}

export type BalanceLossEntry = Traced<
  'balance-loss',
  {
    readonly layers: readonly RoutedLayer[];
    readonly sums: Tensor;
    readonly mask: Tensor;
    readonly factor: Tensor;
  }
>;

/** `factor`: what the loss is multiplied by; `mask`: u32 (B, T), 0 = padding, which does not count. */
export interface BalanceOptions {
  readonly mask: Tensor;
  readonly factor: number;
}

/**
 * factor · N · Σ f · P over the N experts of all layers, f being the experts of a token that are this one and P its
 * probability, both on average. Result: (1).
 */
export function balanceLoss(
  layers: readonly RoutedLayer[],
  { mask, factor: by }: BalanceOptions,
): Tensor {
  const { recording } = mask;
  const rows = elements(mask.shape);
  const sums = useOfExperts(layers, mask);
  const y = recording.transient('balance of experts', [1]);
  const factor = recording.transient('factor of the balance', [1]);
  recording.dispatch({
    ...rowForm(lossForms, recording.gpu, 1, rows),
    bindings: { sums, mask, y, factor },
    params: { rows, experts: sums.size(1), layers: layers.length, factor: by },
  });
  recording.differentiate({
    op: 'balance-loss',
    output: y,
    inputs: layers.map(({ logits }) => logits),
    trace: { layers, sums, mask, factor },
  } satisfies BalanceLossEntry);
  return y;
}

/** How many tokens of all layers chose each expert, and the sum of its probabilities: (2, experts). */
export function useOfExperts(layers: readonly RoutedLayer[], mask: Tensor): Tensor {
  const { recording } = mask;
  const rows = elements(mask.shape);
  let before: Tensor | undefined;
  for (const { logits, experts } of layers) {
    const count = logits.size(-1);
    const sums = recording.transient('use of experts', [2, count]);
    recording.dispatch({
      ...rowForm(sumForms, recording.gpu, count, rows),
      bindings: { probabilities: softmax(logits), experts, mask, before, sums },
      params: { rows, experts: count, chosen: experts.size(1) },
      constants: { HAS_BEFORE: before !== undefined },
    });
    before = sums;
  }
  if (before === undefined) throw new RangeError('no layer has experts');
  return before;
}
