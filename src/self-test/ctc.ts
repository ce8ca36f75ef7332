// The checks of the loss of labels in their order, beside the sum over every way to write them down.

import { ctcLoss, type CtcPlaces, emit } from '../shaders/loss/ctc-loss.ts';
import type { Result } from './checks.ts';
import { gradientOf } from './gradients.ts';
import type { Inputs } from './inputs.ts';
import { rowsOf, softmaxRow } from './math.ts';
import type { NamedCheck } from './run-check.ts';
import type { Operation } from './speech.ts';

const [steps, columns] = [4, 3];
const none = 2 ** 32 - 1;
/** The labels 1 and 1 in all steps, and the label 2 in the first three; 0 is the blank. */
const sequences = [
  { labels: [1, 1], own: 4 },
  { labels: [2], own: 3 },
];

function placesOf(inputs: Inputs): CtcPlaces {
  const links = [0, 1, none, 2, 3, 4, none, none, 0, none, 1, 2, none, none, none, none];
  return {
    classes: inputs.tensor([2, 5], Uint32Array.of(0, 1, 0, 1, 0, 0, 2, 0, 0, 0)),
    sizes: inputs.tensor([2, 2], Uint32Array.of(4, 5, 3, 3)),
    links: inputs.tensor([2, 8], Uint32Array.from(links)),
  };
}

/** The labels that a path says: repeated classes once, without blanks. */
function said(path: readonly number[]): number[] {
  return path.filter((label, step) => label !== 0 && label !== path[step - 1]);
}

function lossOf(inputs: Inputs): Operation {
  const x = inputs.floats([2, steps, columns]);
  const forward = (values: ArrayLike<number>): Float64Array => {
    const chances = rowsOf(values, columns).map(softmaxRow);
    return Float64Array.from(sequences, ({ labels, own }, sequence) => {
      let sum = 0;
      for (let number = 0; number < columns ** own; number++) {
        const path = Array.from(
          { length: own },
          (_, i) => Math.floor(number / columns ** i) % columns,
        );
        if (said(path).join() !== labels.join()) continue;
        sum += path.reduce(
          (product, label, step) => product * (chances[sequence * steps + step]?.[label] ?? NaN),
          1,
        );
      }
      return -Math.log(sum);
    });
  };
  return { output: ctcLoss(x.tensor, placesOf(inputs)), x, forward };
}

function checkEmissions(inputs: Inputs): Result {
  const x = inputs.floats([2, steps, columns]);
  const { classes } = placesOf(inputs);
  const wanted = rowsOf(x.data, columns).flatMap((row, i) => {
    const chances = softmaxRow(row);
    const own = i < steps ? [0, 1, 0, 1, 0] : [0, 2, 0, 0, 0];
    return own.map((label) => Math.log(chances[label] ?? NaN));
  });
  return { output: emit(x.tensor, classes).emissions, wanted };
}

export function ctcChecks(): NamedCheck[] {
  return [
    ['logarithms of labels', checkEmissions],
    [
      'the loss of labels in their order',
      (inputs) => {
        const { output, x, forward } = lossOf(inputs);
        return { output, wanted: forward(x.data) };
      },
    ],
    [
      'gradient of the loss of labels in their order',
      (inputs) => {
        const { output, x, forward } = lossOf(inputs);
        return gradientOf(inputs, output, x, forward);
      },
    ],
  ];
}
