// How the next token is chosen: the best one, or a draw; and what narrows the draw.

import type { Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import chooseText from './choose-token.wgsl?raw';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';
import {
  gumbel,
  late,
  numbers,
  random,
  rowSoftmax,
  rules,
  tokenRule,
  workgroup,
} from '../snippets.ts';
import type { ChoiceState } from './token-rules.ts';

const chooseForms = rowKernel({
  name: 'choose-token',
  code: [
    workgroup,
    numbers,
    rules,
    tokenRule,
    random,
    gumbel,
    { file: 'choose-token.wgsl', text: chooseText },
  ],
  bindings: { x: 'read', flags: 'read', rules: 'read', place: 'read', index: 'write' },
  params: { rows: 'u32', columns: 'u32' },
  constants: { HAS_FLAGS: [false, true], HAS_NOISE: [false, true] },
});

/** Kinds of warping by what they go by, in the order in which Hugging Face applies them. */
export const warps = ['topK', 'topP', 'minP', 'typicalP', 'epsilonCutoff', 'etaCutoff'] as const;
export type Warp = (typeof warps)[number];

const warpForms = rowKernel({
  name: 'warp',
  code: [
    workgroup,
    numbers,
    rules,
    rowSoftmax,
    { file: 'warp.wgsl', text: late(() => import('./warp.wgsl?raw')) },
  ],
  bindings: { rules: 'read', x: 'write' },
  params: { rows: 'u32', columns: 'u32' },
  constants: { KIND: warps.map((_, kind) => kind) },
});

const logSoftmaxForms = rowKernel({
  name: 'log-softmax',
  code: [
    workgroup,
    numbers,
    rowSoftmax,
    { file: 'log-softmax.wgsl', text: late(() => import('./log-softmax.wgsl?raw')) },
  ],
  bindings: { x: 'write' },
  params: { rows: 'u32', columns: 'u32' },
});

export const chooseTokenKernels: readonly Kernel[] = [
  ...allForms(chooseForms),
  ...allForms(warpForms),
  ...allForms(logSoftmaxForms),
];

function sizes(x: Tensor): { rows: number; columns: number } {
  const columns = x.size(-1);
  return { rows: elements(x.shape) / columns, columns };
}

/**
 * Writes each row's best column to `index`, the first one on a tie; a draw from softmax(x) where it
 * `draws` and the row's rules do, by seed, step and stream. Flags apply where the state has them. x: (R, …, V). index: (R, …).
 */
export function chooseToken(
  x: Tensor,
  index: Tensor,
  { place, rules: words, flags }: Partial<ChoiceState> = {},
  draws = false,
): void {
  const params = sizes(x);
  x.recording.dispatch({
    ...rowForm(chooseForms, x.recording.gpu, params.rows, params.columns),
    bindings: { x, flags, rules: words, place, index },
    params,
    constants: { HAS_FLAGS: flags !== undefined, HAS_NOISE: draws },
  });
}

/** Hides the columns of x, (R, …, V), that are unlikely by the rule of this name, in place. */
export function warp(x: Tensor, by: Warp, words: Tensor): void {
  const params = sizes(x);
  x.recording.dispatch({
    ...rowForm(warpForms, x.recording.gpu, params.rows, 19 * params.columns),
    bindings: { rules: words, x },
    params,
    constants: { KIND: warps.indexOf(by) },
    parts: ['x'],
  });
}

/** x - log Σ exp(x) along the last axis, in place. */
export function logSoftmax(x: Tensor): void {
  const params = sizes(x);
  x.recording.dispatch({
    ...rowForm(logSoftmaxForms, x.recording.gpu, params.rows, 3 * params.columns),
    bindings: { x },
    params,
    parts: ['x'],
  });
}
