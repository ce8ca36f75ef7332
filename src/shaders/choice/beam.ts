// Beam search: candidates, the step from beams to beams, and what they carry along.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import candidatesText from './beam-candidates.wgsl?raw';
import commitText from './beam-commit.wgsl?raw';
import gatherText from './beam-gather.wgsl?raw';
import stepText from './beam-step.wgsl?raw';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';
import { gumbel, numbers, random, rules, tokenRule, workgroup } from '../snippets.ts';
import type { ChoiceState } from './token-rules.ts';

const candidateForms = rowKernel({
  name: 'beam-candidates',
  code: [
    workgroup,
    numbers,
    rules,
    tokenRule,
    random,
    gumbel,
    { file: 'beam-candidates.wgsl', text: candidatesText },
  ],
  bindings: {
    x: 'read',
    score: 'read',
    rules: 'read',
    place: 'read',
    flags: 'read',
    candidates: 'write',
  },
  params: { rows: 'u32', columns: 'u32' },
  constants: { CANDIDATES: [4, 9], HAS_NOISE: [false, true] },
});

const stepKernel = kernel({
  name: 'beam-step',
  code: [workgroup, numbers, rules, { file: 'beam-step.wgsl', text: stepText }],
  bindings: {
    candidates: 'read',
    rules: 'read',
    place: 'read',
    norms: 'read',
    score: 'write',
    tokens: 'write',
    moves: 'write',
    hypotheses: 'write',
  },
  params: { items: 'u32', pitch: 'u32' },
  constants: { BEAMS: [2, 3], CANDIDATES: [4, 9] },
});

const gatherKernel = kernel({
  name: 'beam-gather',
  code: [workgroup, { file: 'beam-gather.wgsl', text: gatherText }],
  bindings: {
    moves: 'read',
    tokens: 'read',
    place: 'read',
    history: 'read',
    table: 'read',
    next_history: 'write',
    next_table: 'write',
    ended: 'write',
  },
  params: { rows: 'u32', pitch: 'u32', capacity: 'u32' },
});

const commitKernel = kernel({
  name: 'beam-commit',
  code: [workgroup, { file: 'beam-commit.wgsl', text: commitText }],
  bindings: {
    next_history: 'read',
    next_table: 'read',
    history: 'write',
    table: 'write',
    place: 'write',
  },
  params: { rows: 'u32', pitch: 'u32', capacity: 'u32' },
});

export const beamKernels: readonly Kernel[] = [
  ...allForms(candidateForms),
  stepKernel,
  gatherKernel,
  commitKernel,
];

/**
 * The best `count` continuations of each row, best first: column, -1 for none, score, rank, and 1 where
 * the column is an end. x: log-probabilities (R, …, V). score: (R). Drawn without replacement where it
 * `draws`. Result: (R, count, 4).
 */
export function beamCandidates(
  x: Tensor,
  score: Tensor,
  { rules: words, place, flags }: ChoiceState,
  count: number,
  draws = false,
): Tensor {
  const { recording } = x;
  const columns = x.size(-1);
  const rows = elements(x.shape) / columns;
  const candidates = recording.transient('candidates', [rows, count, 4]);
  recording.dispatch({
    ...rowForm(candidateForms, recording.gpu, rows, columns + count ** 3),
    bindings: { x, score, rules: words, place, flags, candidates },
    params: { rows, columns },
    constants: { CANDIDATES: count, HAS_NOISE: draws },
  });
  return candidates;
}

/** The score of what is no beam, or no hypothesis, yet. */
export const unlikely = -1e9;

/** What beams are besides their tokens. B items of N beams, R = B · N. */
export interface BeamState {
  /** (R): sums of log-probabilities */
  readonly score: Tensor;
  /** (R, 1) u32: the token each beam feeds next */
  readonly tokens: Tensor;
  /**
   * (B, 2 + 3 · N): 1 when done, how many hypotheses there were; score, length, number of each kept,
   * where there is none `unlikely`, 0, 0
   */
  readonly hypotheses: Tensor;
  /** (B, pitch): (number of generated tokens) ^ length penalty, from 0 on */
  readonly norms: Tensor;
}

/**
 * Turns candidates into beams and hypotheses. Result: u32 (R, 3), the row that each beam goes on from,
 * the row whose tokens are those of the hypothesis at this place, 2³² - 1 where there is no new one, and
 * the last token of that.
 */
export function beamStep(
  candidates: Tensor,
  { score, tokens, hypotheses, norms }: BeamState,
  { place, rules: words }: ChoiceState,
): Tensor {
  const { recording } = candidates;
  const [rows, items] = [candidates.size(0), hypotheses.size(0)];
  const moves = recording.transient('moves', [rows, 3], 'u32');
  recording.dispatch({
    kernel: stepKernel,
    bindings: { candidates, rules: words, place, norms, score, tokens, moves, hypotheses },
    params: { items, pitch: norms.size(1) },
    constants: { BEAMS: rows / items, CANDIDATES: candidates.size(1) },
    workgroups: Math.ceil(items / 16),
  });
  return moves;
}

/**
 * Has histories, (R, pitch), and block tables, (R, capacity), follow the moves; appends the tokens;
 * keeps the tokens of hypotheses in `ended`, (R, pitch); moves the places on. All in place.
 */
export function followMoves(
  moves: Tensor,
  tokens: Tensor,
  state: { place: Tensor; history: Tensor; table: Tensor; ended: Tensor },
): void {
  const { recording } = moves;
  const { place, history, table, ended } = state;
  const nextHistory = recording.transient('next history', history.shape, 'u32');
  const nextTable = recording.transient('next table', table.shape, 'u32');
  const params = {
    rows: history.size(0),
    pitch: history.size(-1),
    capacity: table.size(-1),
  };
  const workgroups = Math.ceil(elements(history.shape) / 64);
  recording.dispatch({
    kernel: gatherKernel,
    bindings: {
      moves,
      tokens,
      place,
      history,
      table,
      next_history: nextHistory,
      next_table: nextTable,
      ended,
    },
    params,
    workgroups,
  });
  recording.dispatch({
    kernel: commitKernel,
    bindings: {
      next_history: nextHistory,
      next_table: nextTable,
      history,
      table,
      place,
    },
    params,
    workgroups,
  });
}
