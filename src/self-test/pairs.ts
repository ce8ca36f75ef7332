// The checks of the losses of pairs, each judged by itself, and of numbers and their labels.

import { preferenceLoss } from '../shaders/loss/preference-loss.ts';
import { sigmoidLoss } from '../shaders/loss/sigmoid-loss.ts';
import { valueLoss } from '../shaders/loss/value-loss.ts';
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

function valueLossOf(inputs: Inputs, isFlags: boolean): Operation {
  const [x, label] = [inputs.floats([3, 23]), inputs.floats([3, 23])];
  const forward = (values: ArrayLike<number>): Float64Array =>
    Float64Array.from(values, (value, i) => {
      const wanted = label.data[i] ?? NaN;
      return isFlags ? Math.log1p(Math.exp(value)) - value * wanted : (value - wanted) ** 2;
    });
  return { output: valueLoss(x.tensor, label.tensor, isFlags), x, forward };
}

/** Of three pairs of texts of 21 tokens. */
function preferencesOf(inputs: Inputs): Operation {
  const [pairs, length, beta, smoothing] = [3, 21, 0.4, 0.2];
  const [x, reference] = [inputs.floats([2, pairs, length]), inputs.floats([2, pairs, length])];
  const forward = (values: ArrayLike<number>): Float64Array =>
    Float64Array.from({ length: pairs }, (_, pair) => {
      const gain = (first: number): number => {
        let sum = 0;
        for (let i = first; i < first + length; i++) {
          sum += (reference.data[i] ?? NaN) - (values[i] ?? NaN);
        }
        return sum;
      };
      const margin = beta * (gain(pair * length) - gain((pairs + pair) * length));
      return (
        (1 - smoothing) * Math.log1p(Math.exp(-margin)) + smoothing * Math.log1p(Math.exp(margin))
      );
    });
  const options = { reference: reference.tensor, length, beta, smoothing };
  return { output: preferenceLoss(x.tensor, options), x, forward };
}

/** To be run on recordings that keep a tape. */
export function pairChecks(): NamedCheck[] {
  return [
    ...bothWays('loss of numbers', (inputs) => valueLossOf(inputs, false)),
    ...bothWays('loss of flags', (inputs) => valueLossOf(inputs, true)),
    ...bothWays('loss of pairs', lossOf),
    ...bothWays('loss of preferences', preferencesOf),
  ];
}

/** The result of an operation, and its gradient. */
function bothWays(name: string, operation: (inputs: Inputs) => Operation): NamedCheck[] {
  return [
    [
      name,
      (inputs) => {
        const { output, x, forward } = operation(inputs);
        return { output, wanted: forward(x.data) };
      },
    ],
    [
      `gradient of the ${name}`,
      (inputs) => {
        const { output, x, forward } = operation(inputs);
        return gradientOf(inputs, output, x, forward);
      },
    ],
  ];
}
