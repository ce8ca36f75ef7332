// The checks of the self-test for the choice of tokens: rules, warps, draws, beams.

import type { Tensor } from '../runtime/tensor.ts';
import { beamCandidates, beamStep, followMoves, unlikely } from '../shaders/choice/beam.ts';
import { chooseToken, logSoftmax, warp } from '../shaders/choice/choose-token.ts';
import {
  neutralRules,
  packRules,
  ruleCount,
  type Rules,
  tokenFlags,
} from '../shaders/choice/rules.ts';
import {
  appendTokens,
  applyHistory,
  applySequenceBias,
  applyTokenRules,
  type ChoiceState,
  packSequences,
} from '../shaders/choice/token-rules.ts';
import { applyTimestampRules } from '../shaders/choice/speech-tokens.ts';
import { likelyTokens } from '../shaders/choice/likely-tokens.ts';
import { tokenLogProbs } from '../shaders/choice/token-log-probs.ts';
import type { Result } from './checks.ts';
import type { Input, Inputs } from './inputs.ts';
import { randomBits, softmaxRow } from './math.ts';
import type { NamedCheck } from './run-check.ts';

const [rows, columns] = [5, 83];
/** Tokens so far, in each row. */
const tokens = [3, 7, 3];
const ends = [3, 80];
const lowest = -3.4028234663852886e38;

export function choiceChecks(): NamedCheck[] {
  return [
    ['rules by token', checkTokenRules],
    ['rules by history', checkHistory],
    ['rules by sequences', checkSequences],
    ['rules of time stamps', checkTimestamps],
    ['log-probabilities of tokens', checkLogProbs],
    ['the likeliest tokens', checkLikely],
    ['next tokens', checkAppend],
    ['best token under rules', checkBest],
    ['token drawn', checkDraw],
    ['top k', (inputs) => checkWarp(inputs, 'topK')],
    ['top p', (inputs) => checkWarp(inputs, 'topP')],
    ['log softmax', checkLogSoftmax],
    ['candidates of beams', checkCandidates],
    ['beam step', checkBeamStep],
    ['tokens of hypotheses', (inputs) => checkMoves(inputs, 'ended')],
    ['tokens of beams', (inputs) => checkMoves(inputs, 'history')],
  ];
}

function stateOf(inputs: Inputs, rules: Partial<Rules> = {}): ChoiceState & { history: Tensor } {
  const flags = new Uint32Array(columns);
  for (const id of ends) flags[id] = tokenFlags.end;
  const words = Array.from({ length: rows }, (_, stream) => [
    ...packRules({ ...neutralRules, stream, ...rules }),
  ]);
  const history = Array.from({ length: rows }, () => [...tokens, 0]).flat();
  const place = Array.from({ length: rows }, () => [0, tokens.length - 1]).flat();
  return {
    place: inputs.tensor([rows, 1, 2], Uint32Array.from(place)),
    rules: inputs.tensor([rows, ruleCount], Uint32Array.from(words.flat())),
    flags: inputs.tensor([1, columns], flags),
    history: inputs.tensor([rows, tokens.length + 1], Uint32Array.from(history)),
  };
}

/** x with one column after the other replaced. */
function mapped({ data }: Input, value: (x: number, column: number) => number): number[] {
  return Array.from(data, (x, i) => value(x, i % columns));
}

/** Ends gain, three tokens on: 2² - 1 times their absolute value. */
function checkTokenRules(inputs: Inputs): Result {
  const x = inputs.floats([rows, columns]);
  const state = stateOf(inputs, { decayLength: 1, decay: 2, temperature: 0.5 });
  applyTokenRules(x.tensor, state, true);
  const wanted = mapped(x, (value, column) =>
    ends.includes(column) ? 2 * (value + 3 * Math.abs(value)) : 2 * value,
  );
  return { output: x.tensor, wanted };
}

function checkHistory(inputs: Inputs): Result {
  const x = inputs.floats([rows, columns]);
  applyHistory(x.tensor, stateOf(inputs, { penalty: 1.5, frequency: 0.25 }));
  const wanted = mapped(x, (value, column) => {
    // The first token is the prompt.
    const count = tokens.slice(1).filter((token) => token === column).length;
    if (count === 0) return value;
    return (value < 0 ? value * 1.5 : value / 1.5) - 0.25 * count;
  });
  return { output: x.tensor, wanted };
}

function checkSequences(inputs: Inputs): Result {
  const x = inputs.floats([rows, columns]);
  const { words, targets } = packSequences([
    [[5], 0.5],
    [[7, 3, 6], -1],
    [[3, 7, 6], 9],
  ]);
  const packed = inputs.tensor([words.length], words);
  applySequenceBias(x.tensor, stateOf(inputs, { targets }), packed, targets);
  const wanted = mapped(x, (value, column) => value + (column === 5 ? 0.5 : column === 6 ? -1 : 0));
  return { output: x.tensor, wanted };
}

/** Behind a text and one stamp, another one no earlier comes, or the end: whichever is likelier. */
function checkTimestamps(inputs: Inputs): Result {
  const x = inputs.floats([rows, columns]);
  const stamps = { timestampBegin: 3, initialTimestamps: 9, endToken: 2 };
  const state = stateOf(inputs, { ...stamps, promptLength: 0 });
  const history = inputs.tensor(
    [rows, 4],
    Uint32Array.from({ length: 4 * rows }, (_, i) => [0, 1, 60, 0][i % 4] ?? 0),
  );
  applyTimestampRules(x.tensor, { ...state, history });
  // Twenty-three stamps are likelier than the only other token that may come, which is hidden before them.
  const wanted = mapped(x, (value, column) => (column < 60 ? lowest : value));
  return { output: x.tensor, wanted };
}

function checkLogProbs(inputs: Inputs): Result {
  const x = inputs.floats([rows, columns]);
  const chosen = Uint32Array.of(0, 7, 82, 31, 5);
  const output = inputs.floats([rows, 1]).tensor;
  tokenLogProbs(x.tensor, inputs.tensor([rows, 1], chosen), stateOf(inputs), output);
  const wanted = Array.from(chosen, (token, row) => {
    const own = Array.from(x.data.subarray(row * columns, (row + 1) * columns));
    return Math.log(softmaxRow(own)[token] ?? NaN);
  });
  return { output, wanted };
}

/** The chosen token and the two likeliest of each row. */
function checkLikely(inputs: Inputs): Result {
  const x = inputs.floats([rows, columns]);
  const chosen = Uint32Array.of(0, 7, 82, 31, 5);
  const values = inputs.floats([rows, 1, 3]).tensor;
  const ids = inputs.tensor([rows, 1, 2], new Uint32Array(2 * rows));
  const { place } = stateOf(inputs);
  likelyTokens(x.tensor, inputs.tensor([rows, 1], chosen), place, { ids, values });
  const wanted = Array.from(chosen, (token, row) => {
    const own = Array.from(x.data.subarray(row * columns, (row + 1) * columns));
    const all = softmaxRow(own).map(Math.log);
    return [all[token] ?? NaN, ...all.toSorted((a, b) => b - a).slice(0, 2)];
  });
  return { output: values, wanted: wanted.flat() };
}

function checkAppend(inputs: Inputs): Result {
  const state = { ...stateOf(inputs), recent: inputs.tensor([rows, 2], new Uint32Array(2 * rows)) };
  appendTokens(inputs.tensor([rows, 1], Uint32Array.of(1, 2, 3, 4, 5)), state);
  const wanted = [1, 2, 3, 4, 5].flatMap((token) => [...tokens, token]);
  return { output: state.history, wanted };
}

/** The best column of each row, ends apart. */
function checkBest(inputs: Inputs): Result {
  const x = inputs.floats([rows, columns]);
  const allowed = mapped(x, (value, column) => (ends.includes(column) ? -2 : value));
  const output = inputs.tensor([rows], new Uint32Array(rows));
  chooseToken(x.tensor, output, stateOf(inputs, { minLength: 9 }));
  return { output, wanted: bestColumns(allowed) };
}

function bestColumns(x: readonly number[]): number[] {
  return Array.from({ length: rows }, (_, row) => {
    const own = x.slice(row * columns, (row + 1) * columns);
    return own.indexOf(Math.max(...own));
  });
}

function checkDraw(inputs: Inputs): Result {
  const x = inputs.floats([rows, columns]);
  const seed = 41;
  const noisy = Array.from(x.data, (value, i) => {
    const bits = randomBits(seed, tokens.length - 1, Math.floor(i / columns), i % columns);
    return value - Math.log(-Math.log((bits + 0.5) / 2 ** 32));
  });
  const output = inputs.tensor([rows], new Uint32Array(rows));
  const { place, rules } = stateOf(inputs, { seed, draws: 1 });
  chooseToken(x.tensor, output, { place, rules }, true);
  return { output, wanted: bestColumns(noisy) };
}

function checkWarp(inputs: Inputs, by: 'topK' | 'topP'): Result {
  const x = inputs.floats([rows, columns]);
  const wanted = Array.from({ length: rows }, (_, row) => {
    const own = [...x.data.subarray(row * columns, (row + 1) * columns)];
    const sorted = own.toSorted((a, b) => b - a);
    let mass = 0;
    const enough = softmaxRow(sorted).findIndex((weight) => (mass += weight) >= 0.4);
    const last = sorted[by === 'topK' ? 10 : enough] ?? 0;
    return own.map((value) => (value >= last ? value : lowest));
  }).flat();
  warp(x.tensor, by, stateOf(inputs, { topK: 11, topP: 0.4 }).rules);
  return { output: x.tensor, wanted };
}

function checkLogSoftmax(inputs: Inputs): Result {
  const x = inputs.floats([rows, columns]);
  const wanted = Array.from({ length: rows }, (_, row) =>
    softmaxRow([...x.data.subarray(row * columns, (row + 1) * columns)]).map(Math.log),
  ).flat();
  logSoftmax(x.tensor);
  return { output: x.tensor, wanted };
}

function checkCandidates(inputs: Inputs): Result {
  const [x, score] = [inputs.floats([rows, columns]), inputs.floats([rows])];
  const wanted = Array.from(score.data, (before, row) =>
    [...x.data.subarray(row * columns, (row + 1) * columns).entries()]
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, 4)
      .flatMap(([column, value]) => [
        column,
        value + before,
        value + before,
        ends.includes(column) ? 1 : 0,
      ]),
  ).flat();
  return { output: beamCandidates(x.tensor, score.tensor, stateOf(inputs), 4), wanted };
}

/** One item: the best candidate ends, the next two go on, from the second row and the first. */
function checkBeamStep(inputs: Inputs): Result {
  const list = [
    [3, -1, -1, 1, 9, -3, -3, 0, 8, -4, -4, 0, 7, -5, -5, 0],
    [6, -2, -2, 0, 3, -2.5, -2.5, 1, 8, -6, -6, 0, 7, -7, -7, 0],
  ];
  const candidates = inputs.tensor([2, 4, 4], Float32Array.from(list.flat()));
  const none = [0, 0, unlikely, 0, 0, unlikely, 0, 0];
  const hypotheses = inputs.tensor([1, 8], Float32Array.from(none));
  const state = {
    score: inputs.tensor([2], new Float32Array(2)),
    tokens: inputs.tensor([2, 1], new Uint32Array(2)),
    hypotheses,
    norms: inputs.tensor([1, 4], Float32Array.of(0, 1, 2, 3)),
  };
  beamStep(candidates, state, stateOf(inputs));
  // -1 over three generated tokens; the end of the third rank does not count.
  return { output: hypotheses, wanted: [0, 1, -1 / 3, 4, 1, unlikely, 0, 0] };
}

function checkMoves(inputs: Inputs, output: 'ended' | 'history'): Result {
  const none = 2 ** 32 - 1;
  const moves = inputs.tensor([2, 3], Uint32Array.of(1, 0, 7, 1, none, none));
  const state = {
    place: inputs.tensor([2, 1, 2], Uint32Array.of(1, 1, 1, 1)),
    history: inputs.tensor([2, 3], Uint32Array.of(1, 2, 0, 3, 4, 0)),
    table: inputs.tensor([2, 2], Uint32Array.of(0, 1, 2, 3)),
    ended: inputs.tensor([2, 3], new Uint32Array(6)),
  };
  followMoves(moves, inputs.tensor([2, 1], Uint32Array.of(8, 9)), state);
  const wanted = output === 'ended' ? [1, 2, 7, 0, 0, 0] : [3, 4, 8, 3, 4, 9];
  return { output: state[output], wanted };
}
