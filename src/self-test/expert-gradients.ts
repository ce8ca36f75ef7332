// The checks of the gradients of feed-forward networks of experts.

import { clampedGate } from '../shaders/experts/clamped-gate.ts';
import { expertMatmul } from '../shaders/experts/expert-matmul.ts';
import { mixExperts } from '../shaders/experts/mix-experts.ts';
import type { Result } from './checks.ts';
import { bounded, choiceOf, chosen, experts, routed } from './experts.ts';
import { gradientOf } from './gradients.ts';
import type { Inputs } from './inputs.ts';
import { dot, rowsOf, softmaxRow } from './math.ts';
import { bound, type NamedCheck } from './run-check.ts';

/** To be run on recordings that keep a tape. */
export function expertGradientChecks(): NamedCheck[] {
  return [
    ['gradient of products of experts', (inputs) => checkProducts(inputs, 'x')],
    ['gradient of weights of experts', (inputs) => checkProducts(inputs, 'weight')],
    ['gradient of biases of experts', (inputs) => checkProducts(inputs, 'bias')],
    ['gradient of a mixture of experts', (inputs) => checkMixture(inputs, 'x')],
    ['gradient of shares of experts', checkShares],
    ['gradient of choices of experts', (inputs) => checkMixture(inputs, 'logits')],
    ['gradient of experts by scores', checkChoice],
    ['gradient of the bounded gate', checkGate],
  ];
}

/** Each choice has a row of its own, as behind the first product. */
function checkProducts(inputs: Inputs, wanted: 'x' | 'weight' | 'bias'): Result {
  const [tokens, depth, columns] = [5, 7, 6];
  const { routes, chosenBy } = routed(inputs, tokens);
  const given = {
    x: inputs.floats([tokens * chosen, depth]),
    weight: inputs.weight([experts * columns, depth], 'f32'),
    bias: inputs.floats([experts * columns]),
  };
  const { x, weight, bias } = given;
  const forward = (moved: Float64Array): number[] => {
    const own = (name: 'x' | 'weight' | 'bias'): ArrayLike<number> =>
      name === wanted ? moved : given[name].data;
    return chosenBy.flatMap((expert, choice) =>
      Array.from({ length: columns }, (_, column) => {
        const row = expert * columns + column;
        const product = dot(own('x'), choice * depth, own('weight'), row * depth, depth);
        return product + (own('bias')[row] ?? NaN);
      }),
    );
  };
  const output = expertMatmul(x.tensor, { weight: weight.tensor, bias: bias.tensor }, routes);
  return gradientOf(inputs, output, given[wanted], forward);
}

function checkMixture(inputs: Inputs, wanted: 'x' | 'logits'): Result {
  const [tokens, columns] = [4, 7];
  const { routes, chosenBy, logits } = routed(inputs, tokens);
  const x = inputs.floats([tokens * chosen, columns]);
  const forward = (moved: Float64Array): number[] => {
    const [values, scores] = wanted === 'x' ? [moved, logits.data] : [x.data, moved];
    return rowsOf(scores, experts).flatMap((row, token) => {
      const first = token * chosen;
      const own = chosenBy.slice(first, first + chosen).map((expert) => row[expert] ?? NaN);
      const shares = softmaxRow(own);
      return Array.from({ length: columns }, (_, column) =>
        dot(shares, 0, values, first * columns + column, chosen, columns),
      );
    });
  };
  const output = mixExperts(x.tensor, routes, [tokens, columns]);
  return gradientOf(inputs, output, wanted === 'x' ? x : logits, forward);
}

/** Shares of any size. */
function checkShares(inputs: Inputs): Result {
  const [tokens, columns] = [4, 7];
  const { routes } = routed(inputs, tokens);
  const x = inputs.floats([tokens * chosen, columns]);
  const shares = inputs.floats([tokens, chosen]);
  const forward = (moved: Float64Array): number[] =>
    Array.from({ length: tokens * columns }, (_, i) => {
      const first = Math.floor(i / columns) * chosen;
      return dot(moved, first, x.data, first * columns + (i % columns), chosen, columns);
    });
  const routesWith = { ...routes, shares: shares.tensor };
  const output = mixExperts(x.tensor, routesWith, [tokens, columns]);
  return gradientOf(inputs, output, shares, forward);
}

/** Of the scores, which are sigmoids of the logits. */
function checkChoice(inputs: Inputs): Result {
  const { logits, routes, sharesBy } = choiceOf(inputs);
  const { wanted } = gradientOf(inputs, routes.shares, logits, sharesBy);
  const ofScores = Float64Array.from(wanted, (slope, i) => {
    const score = 1 / (1 + Math.exp(-(logits.data[i] ?? NaN)));
    return slope / (score * (1 - score));
  });
  return { output: bound(inputs, 'choose-experts-backward', 'd_scores'), wanted: ofScores };
}

function checkGate(inputs: Inputs): Result {
  const x = inputs.floats([3, 14]);
  const gate = { alpha: 1.7, limit: 0.5 };
  const forward = (moved: Float64Array): number[] => rowsOf(moved, 2).map(bounded);
  return gradientOf(inputs, clampedGate(x.tensor, gate), x, forward);
}
