// What is done to logits before a token is chosen: rules by token, by history, by sequences.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import appendText from './append-tokens.wgsl?raw';
import { late, numbers, rules, tokenRule, workgroup } from '../snippets.ts';
import rulesText from './token-rules.wgsl?raw';

const rulesKernel = kernel({
  name: 'token-rules',
  code: [workgroup, numbers, rules, tokenRule, { file: 'token-rules.wgsl', text: rulesText }],
  bindings: { flags: 'read', rules: 'read', place: 'read', x: 'write' },
  params: { rows: 'u32', columns: 'u32' },
  constants: { HAS_FLAGS: [false, true], HAS_TEMPERATURE: [false, true] },
});

const historyKernel = kernel({
  name: 'token-history',
  code: [
    workgroup,
    numbers,
    rules,
    { file: 'token-history.wgsl', text: late(() => import('./token-history.wgsl?raw')) },
  ],
  bindings: {
    history: 'read',
    list: 'read',
    rules: 'read',
    place: 'read',
    x: 'write',
  },
  params: { rows: 'u32', columns: 'u32', pitch: 'u32', listed: 'u32' },
  constants: { IS_SOURCE: [false, true] },
});

const biasKernel = kernel({
  name: 'sequence-bias',
  code: [
    workgroup,
    numbers,
    rules,
    { file: 'sequence-bias.wgsl', text: late(() => import('./sequence-bias.wgsl?raw')) },
  ],
  bindings: { sequences: 'read', history: 'read', place: 'read', rules: 'read', x: 'write' },
  params: { rows: 'u32', columns: 'u32', pitch: 'u32', targets: 'u32' },
});

const appendKernel = kernel({
  name: 'append-tokens',
  code: [workgroup, { file: 'append-tokens.wgsl', text: appendText }],
  bindings: { tokens: 'read', place: 'write', history: 'write', recent: 'write', spill: 'read' },
  params: { rows: 'u32', pitch: 'u32', span: 'u32' },
  constants: { HAS_HISTORY: [false, true], HAS_SPILL: [false, true] },
});

export const tokenRuleKernels: readonly Kernel[] = [
  rulesKernel,
  historyKernel,
  biasKernel,
  appendKernel,
];

/** What the choice of tokens goes by, besides the logits. R rows. */
export interface ChoiceState {
  /** (R, 1, 2) u32: position and place of the token that was fed; place + 1 is the length so far */
  readonly place: Tensor;
  /** (R, ruleCount) u32: the settings of each sequence, see rules.ts */
  readonly rules: Tensor;
  /** (sets, V) u32: flags of tokens, see rules.ts; no token has one when absent */
  readonly flags?: Tensor | undefined;
  /** (R, pitch) u32: the tokens so far */
  readonly history?: Tensor | undefined;
}

/**
 * Applies what `flags` and lengths ask for, then the temperature where it `scales`. x: logits
 * (R, …, V), in place.
 */
export function applyTokenRules(x: Tensor, state: ChoiceState, scales: boolean): void {
  const { place, rules: words, flags } = state;
  const columns = x.size(-1);
  x.recording.dispatch({
    kernel: rulesKernel,
    bindings: { flags, rules: words, place, x },
    params: { rows: elements(x.shape) / columns, columns },
    constants: { HAS_FLAGS: flags !== undefined, HAS_TEMPERATURE: scales },
    workgroups: Math.ceil(elements(x.shape) / 64),
    parts: ['x'],
  });
}

/**
 * Applies the penalties on tokens that came before and hides those that would repeat an n-gram: of
 * the sequence itself, or of its `source`, (R, S). x: logits (R, …, V), in place.
 */
export function applyHistory(x: Tensor, state: ChoiceState, source?: Tensor): void {
  const { place, rules: words, history } = state;
  if (history === undefined) throw new RangeError('rules by history need the history');
  const columns = x.size(-1);
  const rows = elements(x.shape) / columns;
  const list = source ?? history;
  const [listed, pitch] = [list.size(-1), history.size(-1)];
  x.recording.dispatch({
    kernel: historyKernel,
    bindings: { history, list, rules: words, place, x },
    params: { rows, columns, pitch, listed },
    constants: { IS_SOURCE: source !== undefined },
    workgroups: Math.ceil((rows * listed) / 64),
    parts: ['x'],
  });
}

/** A sequence of tokens, and what is added to the score of its last one; -∞ hides it. */
export type BiasedSequence = readonly [tokens: readonly number[], bias: number];

/** The words that `applySequenceBias` reads: see sequence-bias.wgsl. */
export function packSequences(sequences: readonly BiasedSequence[]): {
  words: Uint32Array<ArrayBuffer>;
  targets: number;
} {
  const byTarget = new Map<number, BiasedSequence[]>();
  for (const sequence of sequences) {
    const target = sequence[0].at(-1) ?? 0;
    const own = byTarget.get(target);
    if (own === undefined) byTarget.set(target, [sequence]);
    else own.push(sequence);
  }
  const heads: number[] = [];
  const lists: number[] = [];
  const tokens: number[] = [];
  const lowest = -3.4028234663852886e38;
  const firstList = 3 * byTarget.size;
  const firstToken = firstList + 3 * sequences.length;
  for (const [target, own] of byTarget) {
    heads.push(target, firstList + lists.length, firstList + lists.length + 3 * own.length);
    for (const [ids, bias] of own) {
      const [bits = 0] = new Uint32Array(Float32Array.of(Math.max(bias, lowest)).buffer);
      lists.push(firstToken + tokens.length, ids.length, bits);
      for (const id of ids) tokens.push(id);
    }
  }
  return { words: Uint32Array.from([heads, lists, tokens].flat()), targets: byTarget.size };
}

/**
 * Adds to the score of tokens that would complete one of the packed `sequences`: a list, or several one
 * after the other; rules name the one of each row. `targets`: tokens that a list has at most. x: logits
 * (R, …, V), in place.
 */
export function applySequenceBias(
  x: Tensor,
  { place, rules: words, history }: ChoiceState,
  sequences: Tensor,
  targets: number,
): void {
  const columns = x.size(-1);
  const rows = elements(x.shape) / columns;
  x.recording.dispatch({
    kernel: biasKernel,
    bindings: { sequences, history, place, rules: words, x },
    params: { rows, columns, pitch: history?.size(-1) ?? 0, targets },
    workgroups: Math.ceil((rows * targets) / 64),
    parts: ['x'],
  });
}

/** What a step leaves behind. */
export interface StepEnd extends Pick<ChoiceState, 'place' | 'history'> {
  /** (R, span) u32: the token of each place at that place % span, or `lostToken` */
  readonly recent: Tensor;
  /** (1) u32: not 0 once a cache could not hold what it was to. */
  readonly spill?: Tensor | undefined;
}

/** Stands for a token that was chosen where `spill` says that the cache is wrong. */
export const lostToken: number = 2 ** 32 - 1;

/** Ends a step: `tokens` (R, 1) join the history, if there is one, and the places move on. */
export function appendTokens(tokens: Tensor, { place, history, recent, spill }: StepEnd): void {
  const rows = elements(tokens.shape);
  tokens.recording.dispatch({
    kernel: appendKernel,
    bindings: { tokens, place, history, recent, spill },
    params: { rows, pitch: history?.size(-1) ?? 0, span: recent.size(-1) },
    constants: { HAS_HISTORY: history !== undefined, HAS_SPILL: spill !== undefined },
    workgroups: Math.ceil(rows / 64),
  });
}
