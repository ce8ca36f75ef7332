// The checks of the loss of pairs, each judged by itself.

import { sigmoidLoss } from '../shaders/loss/sigmoid-loss.ts';
import { gradientOf } from './gradients.ts';
import type { Inputs } from './inputs.ts';
import type { NamedCheck } from './run-check.ts';
import type { Operation } from './speech.ts';

function lossOf(inputs: Inputs): Operation {
  const x = inputs.floats([3, 3]);
  const forward = (values: ArrayLike<number>): Float64Array =>
    Float64Array.from(values, (value, i) => Math.log1p(Math.exp(i % 4 === 0 ? -value : value)));
  return { output: sigmoidLoss(x.tensor), x, forward };
}

/** To be run on recordings that keep a tape. */
export function pairChecks(): NamedCheck[] {
  return [
    [
      'loss of pairs',
      (inputs) => {
        const { output, x, forward } = lossOf(inputs);
        return { output, wanted: forward(x.data) };
      },
    ],
    [
      'gradient of the loss of pairs',
      (inputs) => {
        const { output, x, forward } = lossOf(inputs);
        return gradientOf(inputs, output, x, forward);
      },
    ],
  ];
}
