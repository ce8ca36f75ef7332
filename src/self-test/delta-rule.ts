// The checks of the gated delta rule, step by step: each of the kernels that a chunk goes through, and a token alone.

import type { Tensor } from '../runtime/tensor.ts';
import { gatedDelta } from '../shaders/recurrence/gated-delta.ts';
import { gatedNorm } from '../shaders/recurrence/gated-norm.ts';
import type { Result } from './checks.ts';
import type { Input, Inputs } from './inputs.ts';
import { dot, rowsOf } from './math.ts';
import type { NamedCheck } from './run-check.ts';

const [keySize, valueSize, tokens, chunk] = [3, 2, 5, 32];

export function deltaChecks(): NamedCheck[] {
  return [
    ['queries and keys of unit length', (inputs) => checkPart(inputs, 'qk', 'delta-scores', unit)],
    ['gates of a delta rule', (inputs) => checkPart(inputs, 'gates', 'delta-gates', gatesOf)],
    ['scores of a delta rule', (inputs) => checkPart(inputs, 'scores', 'delta-scores', scoresOf)],
    ['what a chunk learns', (inputs) => checkPart(inputs, 'terms', 'delta-solve', termsOf)],
    ['delta rule', (inputs) => checkPart(inputs, 'y', 'delta-scan', readOf)],
    ['delta rule, one token', checkStep],
    ['norm with gates', checkNorm],
  ];
}

/** One head: what each token asks, knows itself by and says; how much of it is learned, and of others forgotten. */
interface Drawn {
  readonly queries: number[][];
  readonly keys: number[][];
  readonly values: number[][];
  readonly rates: number[];
  readonly decays: number[];
}

function rule(
  inputs: Inputs,
  count: number,
  memory?: Parameters<typeof gatedDelta>[2],
): [Tensor, Drawn] {
  const x = inputs.floats([1, count, 2 * keySize + valueSize]);
  const gates = inputs.floats([1, count, 2]);
  const weight = inputs.floats([2]);
  const heads = { heads: 1, keyHeads: 1, keySize, valueSize };
  const given = { ...heads, gates: { tensor: gates.tensor, start: 0 }, rates: weight.tensor };
  const rows = rowsOf(x.data, 2 * keySize + valueSize).map((row) => [...row]);
  const unitOf = (values: readonly number[], scale: number): number[] => {
    const length = Math.sqrt(dot(values, 0, values, 0, keySize) + 1e-6);
    return values.map((value) => (scale * value) / length);
  };
  const [shift = NaN, factor = NaN] = weight.data;
  const pairs = rowsOf(gates.data, 2);
  return [
    gatedDelta(x.tensor, given, memory),
    {
      queries: rows.map((row) => unitOf(row.slice(0, keySize), keySize ** -0.5)),
      keys: rows.map((row) => unitOf(row.slice(keySize, 2 * keySize), 1)),
      values: rows.map((row) => row.slice(2 * keySize)),
      rates: pairs.map(([rate = NaN]) => 1 / (1 + Math.exp(-rate))),
      decays: pairs.map(
        ([, decay = NaN]) => -Math.exp(factor) * Math.log1p(Math.exp(decay + shift)),
      ),
    },
  ];
}

/** A tensor that one of the kernels has. */
function checkPart(
  inputs: Inputs,
  binding: string,
  operation: string,
  wanted: (drawn: Drawn) => number[],
): Result {
  const [, drawn] = rule(inputs, tokens);
  const found = inputs.recording.dispatches.find(({ kernel }) => kernel.operation === operation);
  const output = found?.bindings[binding];
  if (output === undefined) throw new RangeError(`${operation} has no ${binding}`);
  return { output, wanted: wanted(drawn) };
}

const unit = ({ queries, keys }: Drawn): number[] =>
  queries.flatMap((query, token) => [...query, ...(keys[token] ?? [])]);

/** What stays from the beginning to behind each token, as a logarithm. */
function staysOf({ decays }: Drawn): number[] {
  let all = 0;
  return Array.from({ length: chunk }, (_, token) => (all += decays[token] ?? 0));
}

const gatesOf = (drawn: Drawn): number[] => [
  ...staysOf(drawn),
  ...Array.from({ length: chunk }, (_, token) => drawn.rates[token] ?? 0),
];

function scoresOf(drawn: Drawn): number[] {
  const stays = staysOf(drawn);
  const seen = (rows: readonly number[][], own: number, by: (token: number) => number): number[] =>
    Array.from({ length: chunk * chunk }, (_, i) => {
      const [token, other] = [Math.floor(i / chunk), i % chunk];
      if (token >= tokens || other >= token + own) return 0;
      const gap = Math.exp((stays[token] ?? NaN) - (stays[other] ?? NaN));
      return by(token) * gap * dot(rows[token] ?? [], 0, drawn.keys[other] ?? [], 0, keySize);
    });
  const rate = (token: number): number => drawn.rates[token] ?? NaN;
  return [...seen(drawn.keys, 0, rate), ...seen(drawn.queries, 1, () => 1)];
}

function termsOf(drawn: Drawn): number[] {
  const { queries, keys, values, rates } = drawn;
  const stays = staysOf(drawn);
  const scores = scoresOf(drawn);
  const column = (rows: readonly number[][], c: number, factor: (token: number) => number) =>
    Array.from({ length: chunk }, (_, token) => (rows[token]?.[c] ?? 0) * factor(token));
  const solved = (right: readonly number[]): number[] => {
    const all: number[] = [];
    for (const [token, value] of right.entries()) {
      all.push(value - dot(scores, token * chunk, all, 0, token));
    }
    return all;
  };
  const rate = (token: number): number => rates[token] ?? 0;
  const stay = (token: number): number => Math.exp(stays[token] ?? NaN);
  const left = (token: number): number => Math.exp((stays.at(-1) ?? NaN) - (stays[token] ?? NaN));
  const each = (size: number, of: (c: number) => number[]): number[] =>
    Array.from({ length: size }, (_, c) => of(c)).flat();
  return [
    ...each(valueSize, (c) => solved(column(values, c, rate))),
    ...each(keySize, (c) => solved(column(keys, c, (token) => rate(token) * stay(token)))),
    ...each(keySize, (c) => column(queries, c, stay)),
    ...each(keySize, (c) => column(keys, c, left)),
  ];
}

/** Token by token. `state`: (keySize, valueSize), what is known before. */
function readOf(
  { queries, keys, values, rates, decays }: Drawn,
  state = new Float64Array(keySize * valueSize),
): number[] {
  return keys.flatMap((key, token) =>
    Array.from({ length: valueSize }, (_, c) => {
      const stays = Math.exp(decays[token] ?? NaN);
      const at = (m: number): number => m * valueSize + c;
      const known = stays * dot(key, 0, state, c, keySize, valueSize);
      const learned = (rates[token] ?? NaN) * ((values[token]?.[c] ?? NaN) - known);
      key.forEach((k, m) => (state[at(m)] = stays * (state[at(m)] ?? NaN) + k * learned));
      return dot(queries[token] ?? [], 0, state, c, keySize, valueSize);
    }),
  );
}

/** The token at place 4, which goes on from what the one before left. */
function checkStep(inputs: Inputs): Result {
  const cache = inputs.floats([1, 2 * keySize * valueSize]);
  const memory = {
    cache: cache.tensor,
    table: inputs.tensor(
      [1, 9],
      Uint32Array.from({ length: 9 }, (_, place) => place),
    ),
    place: inputs.tensor([1, 1, 2], Uint32Array.of(4, 4)),
  };
  const [output, drawn] = rule(inputs, 1, memory);
  const state = Float64Array.from(cache.data.subarray(keySize * valueSize));
  return { output, wanted: readOf(drawn, state) };
}

/** Two heads of seven columns, and their norm with gates. */
export function normedOf(inputs: Inputs): {
  readonly x: Input;
  readonly output: Tensor;
  readonly forward: (values: ArrayLike<number>) => number[];
} {
  const [heads, columns] = [2, 7];
  const x = inputs.floats([1, 3, heads * columns]);
  const gate = inputs.floats([1, 3, heads * columns]);
  const weight = inputs.floats([columns]);
  const forward = (values: ArrayLike<number>): number[] =>
    Array.from(values, (value, i) => {
      const first = i - (i % columns);
      const mean = dot(values, first, values, first, columns) / columns;
      const open = gate.data[i] ?? NaN;
      const normed = ((weight.data[i % columns] ?? NaN) * value) / Math.sqrt(mean + 0.01);
      return (normed * open) / (1 + Math.exp(-open));
    });
  const options = { weight: weight.tensor, eps: 0.01, gate: { tensor: gate.tensor, start: 0 } };
  return { x, output: gatedNorm(x.tensor, options), forward };
}

function checkNorm(inputs: Inputs): Result {
  const { x, output, forward } = normedOf(inputs);
  return { output, wanted: forward(x.data) };
}
