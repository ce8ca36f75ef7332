// The gradients of what encoders of speech are made of.

import type { Result } from './checks.ts';
import { gradientOf } from './gradients.ts';
import type { Inputs } from './inputs.ts';
import type { NamedCheck } from './run-check.ts';
import {
  columnsOf,
  layerOf,
  mixtureOf,
  normsOf,
  type Operation,
  rowsThatCount,
  spansOf,
} from './speech.ts';

/** To be run on recordings that keep a tape. */
export function speechGradientChecks(): NamedCheck[] {
  return [
    ['gradient of columns side by side', gradient(columnsOf)],
    ['gradient of rows that count', gradient(rowsThatCount)],
    ['gradient of the scores of a mixture', gradient(mixtureOf)],
    ['gradient of lengths over norms', gradient(normsOf)],
    ['gradient of spans that are masked', gradient(spansOf)],
    ['gradient of a layer that is dropped', gradient((inputs) => layerOf(inputs, true))],
  ];
}

function gradient(operation: (inputs: Inputs) => Operation): (inputs: Inputs) => Result {
  return (inputs) => {
    const { output, x, forward } = operation(inputs);
    return gradientOf(inputs, output, x, forward);
  };
}
