// The checks of feed-forward networks of experts.

import { routeBySigmoid } from '../shaders/experts/choose-experts.ts';
import { clampedGate } from '../shaders/experts/clamped-gate.ts';
import { expertMatmul } from '../shaders/experts/expert-matmul.ts';
import { mixExperts } from '../shaders/experts/mix-experts.ts';
import { route, type Routes } from '../shaders/experts/route.ts';
import type { Result } from './checks.ts';
import type { Input, Inputs } from './inputs.ts';
import { dot, rowsOf, softmaxRow } from './math.ts';
import type { NamedCheck } from './run-check.ts';

export const experts = 5;
export const chosen = 2;

export function expertChecks(): NamedCheck[] {
  return [
    ['experts of tokens', (inputs) => checkRoute(inputs, true)],
    ['tokens by experts', (inputs) => checkRoute(inputs, false)],
    ['products of experts', (inputs) => checkProducts(inputs, 1)],
    ['products of experts, several tokens', (inputs) => checkProducts(inputs, 7)],
    ['products of experts, many tokens', (inputs) => checkProducts(inputs, 21)],
    ['experts by scores and biases', checkChoice],
    ['mixture of experts', checkMixture],
    ['bounded gate', checkGate],
  ];
}

/** Scores and biases of some tokens, the experts that both choose together, and the shares of these. */
export function choiceOf(inputs: Inputs): {
  readonly logits: Input;
  readonly routes: Routes;
  readonly sharesBy: (logits: ArrayLike<number>) => number[];
} {
  const [tokens, scale] = [6, 1.3];
  const logits = inputs.floats([tokens, experts]);
  const bias = inputs.floats([experts]);
  const options = {
    chosen,
    amongChosen: true,
    scores: 'sigmoid',
    bias: bias.tensor,
    scale,
  } as const;
  const scoresBy = (values: ArrayLike<number>): number[][] =>
    rowsOf(values, experts).map((row) => row.map((logit) => 1 / (1 + Math.exp(-logit))));
  const places = scoresBy(logits.data).map((row) => {
    const ranks = row.map((score, expert) => score + (bias.data[expert] ?? NaN));
    return [...row.keys()]
      .toSorted((a, b) => (ranks[b] ?? NaN) - (ranks[a] ?? NaN))
      .slice(0, chosen);
  });
  const sharesBy = (values: ArrayLike<number>): number[] =>
    scoresBy(values).flatMap((row, token) => {
      const own = (places[token] ?? []).map((expert) => row[expert] ?? NaN);
      const total = own.reduce((sum, score) => sum + score, 1e-6);
      return own.map((score) => (scale * score) / total);
    });
  return { logits, routes: routeBySigmoid(logits.tensor, options), sharesBy };
}

function checkChoice(inputs: Inputs): Result {
  const { logits, routes, sharesBy } = choiceOf(inputs);
  return { output: routes.shares, wanted: sharesBy(logits.data) };
}

interface Routed {
  readonly logits: Input;
  readonly routes: Routes;
  /** The expert of each choice, and what it counts. */
  readonly chosenBy: readonly number[];
  readonly shares: readonly number[];
}

/** The largest logits of each of some tokens. */
export function routed(inputs: Inputs, tokens: number): Routed {
  const logits = inputs.floats([tokens, experts]);
  const rows = rowsOf(logits.data, experts).map((row) => {
    const places = [...row.keys()].toSorted((a, b) => (row[b] ?? NaN) - (row[a] ?? NaN));
    const first = places.slice(0, chosen);
    return { first, shares: softmaxRow(first.map((place) => row[place] ?? NaN)) };
  });
  return {
    logits,
    routes: route(logits.tensor, { chosen, amongChosen: true }),
    chosenBy: rows.flatMap(({ first }) => first),
    shares: rows.flatMap(({ shares }) => shares),
  };
}

function checkRoute(inputs: Inputs, ofTokens: boolean): Result {
  const { routes, chosenBy, shares } = routed(inputs, 9);
  if (ofTokens) return { output: routes.shares, wanted: shares };
  const order = [...chosenBy.keys()];
  return {
    output: routes.order,
    wanted: order.toSorted((a, b) => (chosenBy[a] ?? NaN) - (chosenBy[b] ?? NaN) || a - b),
  };
}

function checkProducts(inputs: Inputs, tokens: number): Result {
  const [depth, columns] = [67, 9];
  const { routes, chosenBy } = routed(inputs, tokens);
  const x = inputs.floats([tokens, depth]);
  const weight = inputs.weight([experts * columns, depth], 'f16');
  const wanted = chosenBy.flatMap((expert, choice) =>
    Array.from({ length: columns }, (_, column) => {
      const row = (expert * columns + column) * depth;
      return dot(x.data, Math.floor(choice / chosen) * depth, weight.data, row, depth);
    }),
  );
  return { output: expertMatmul(x.tensor, { weight: weight.tensor }, routes), wanted };
}

function checkMixture(inputs: Inputs): Result {
  const [tokens, columns] = [3, 7];
  const { routes, shares } = routed(inputs, tokens);
  const x = inputs.floats([tokens * chosen, columns]);
  const residual = inputs.floats([tokens, columns]);
  const wanted = Float64Array.from(residual.data, (value, i) => {
    const [token, column] = [Math.floor(i / columns), i % columns];
    return (
      dot(shares, token * chosen, x.data, token * chosen * columns + column, chosen, columns) +
      value
    );
  });
  const output = mixExperts(x.tensor, routes, [tokens, columns], residual.tensor);
  return { output, wanted };
}

function checkGate(inputs: Inputs): Result {
  const x = inputs.floats([3, 14]);
  const output = clampedGate(x.tensor, { alpha: 1.7, limit: 0.5 });
  return { output, wanted: rowsOf(x.data, 2).map(bounded) };
}

/** A gate and a value through the bounded gate of α = 1.7, the bound being 0.5. */
export function bounded([gate = NaN, value = NaN]: readonly number[]): number {
  const own = Math.min(gate, 0.5);
  return ((Math.max(-0.5, Math.min(0.5, value)) + 1) * own) / (1 + Math.exp(-1.7 * own));
}
