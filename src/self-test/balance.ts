// The checks of the balance of experts.

import { balanceLoss, type RoutedLayer, useOfExperts } from '../shaders/experts/balance-loss.ts';
import type { Tensor } from '../runtime/tensor.ts';
import type { Result } from './checks.ts';
import { chosen, experts, routed } from './experts.ts';
import { gradientOf } from './gradients.ts';
import type { Input, Inputs } from './inputs.ts';
import { dot, rowsOf, softmaxRow } from './math.ts';
import type { NamedCheck } from './run-check.ts';

const [tokens, padding, factor] = [5, 1, 0.7];

/** To be run on recordings that keep a tape. */
export function balanceChecks(): NamedCheck[] {
  return [
    ['use of experts', checkUse],
    ['balance of experts', (inputs) => checkLoss(inputs, false)],
    ['gradient of the balance of experts', (inputs) => checkLoss(inputs, true)],
  ];
}

interface Routed {
  readonly logits: Input;
  readonly layer: RoutedLayer;
  readonly mask: Tensor;
  /** How many tokens chose each expert. */
  readonly counts: readonly number[];
}

/** One layer, of which one token is padding. */
function routedLayer(inputs: Inputs): Routed {
  const { logits, routes, chosenBy } = routed(inputs, tokens);
  const mask = Uint32Array.from({ length: tokens }, (_, token) => Number(token !== padding));
  const own = chosenBy.filter((_, choice) => Math.floor(choice / chosen) !== padding);
  return {
    logits,
    layer: { logits: logits.tensor, experts: routes.experts },
    mask: inputs.tensor([1, tokens], mask),
    counts: Array.from({ length: experts }, (_, e) => own.filter((one) => one === e).length),
  };
}

/** The sum of the probabilities of each expert. */
function probabilitiesOf(logits: ArrayLike<number>): number[] {
  const rows = rowsOf(logits, experts).filter((_, token) => token !== padding);
  return rows
    .map(softmaxRow)
    .reduce((sums, row) => sums.map((sum, expert) => sum + (row[expert] ?? NaN)));
}

function checkUse(inputs: Inputs): Result {
  const { logits, layer, mask, counts } = routedLayer(inputs);
  const wanted = [...counts, ...probabilitiesOf(logits.data)];
  return { output: useOfExperts([layer], mask), wanted };
}

function checkLoss(inputs: Inputs, backward: boolean): Result {
  const { logits, layer, mask, counts } = routedLayer(inputs);
  const forward = (scores: ArrayLike<number>): number[] => {
    const sum = dot(counts, 0, probabilitiesOf(scores), 0, experts);
    return [(factor * experts * sum) / (tokens - 1) ** 2];
  };
  const output = balanceLoss([layer], { mask, factor });
  if (!backward) return { output, wanted: forward(logits.data) };
  return gradientOf(inputs, output, logits, forward);
}
