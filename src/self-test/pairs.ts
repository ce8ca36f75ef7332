// The checks of the losses of pairs, each judged by itself, and of numbers and their labels.

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

/** To be run on recordings that keep a tape. */
export function pairChecks(): NamedCheck[] {
  const ofValues = [false, true].flatMap((isFlags): NamedCheck[] => {
    const name = `loss of ${isFlags ? 'flags' : 'numbers'}`;
    return [
      [
        name,
        (inputs) => {
          const { output, x, forward } = valueLossOf(inputs, isFlags);
          return { output, wanted: forward(x.data) };
        },
      ],
      [
        `gradient of the ${name}`,
        (inputs) => {
          const { output, x, forward } = valueLossOf(inputs, isFlags);
          return gradientOf(inputs, output, x, forward);
        },
      ],
    ];
  });
  return [
    ...ofValues,
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
