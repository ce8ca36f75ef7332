// The loss of connectionist temporal classification (Graves et al., 2006, "Connectionist temporal classification:
// labelling unsegmented sequence data with recurrent neural networks", §4.1), in float64.

import type { DenseTensor } from '../inputs/inputs.ts';

export interface CtcSettings {
  /** The class that stands for no label. */
  readonly blank: number;
  /** Of a batch: the sum of its losses, or the mean of each over the number of its labels. */
  readonly reduction: 'sum' | 'mean';
  /** Whether labels that no path fits count nothing. */
  readonly zeroInfinity: boolean;
  /** Rate of dropout of the states, in training. */
  readonly dropout: number;
}

/** logits: (B, T, C). `labels` of each row, and the `lengths` in steps that are its own. */
export function ctcLoss(
  { data, shape }: DenseTensor,
  labels: readonly (readonly number[])[],
  lengths: readonly number[],
  { blank, reduction, zeroInfinity }: CtcSettings,
): number {
  const [, steps = 0, classes = 0] = shape;
  const losses = labels.map((own, row) => {
    const length = lengths[row] ?? steps;
    const first = row * steps * classes;
    const loss = -pathsLogarithm(
      (step) => logarithms(data.subarray(first + step * classes, first + (step + 1) * classes)),
      length,
      own.flatMap((label) => [blank, label]).concat(blank),
      blank,
    );
    if (zeroInfinity && loss === Infinity) return 0;
    return reduction === 'mean' ? loss / Math.max(1, own.length) : loss;
  });
  const sum = losses.reduce((total, loss) => total + loss, 0);
  return reduction === 'mean' ? sum / losses.length : sum;
}

/** The logarithm of the probability of all paths through labels with blanks between (α of the paper, eq. 6 to 8). */
function pathsLogarithm(
  logarithmsAt: (step: number) => Float64Array,
  length: number,
  places: readonly number[],
  blank: number,
): number {
  let alpha: number[] = places.map((_, place) => (place === 0 ? 0 : -Infinity));
  for (let step = 0; step < length; step++) {
    const own = logarithmsAt(step);
    const before = alpha;
    alpha = places.map((label, place) => {
      const skips = label !== blank && label !== places[place - 2];
      // The first step begins with a blank or with the first label.
      const from =
        step === 0
          ? [place < 2 ? 0 : -Infinity]
          : [before[place], before[place - 1], skips ? before[place - 2] : undefined];
      return (own[label] ?? NaN) + logSum(from);
    });
  }
  return logSum(alpha.slice(-2));
}

function logSum(values: readonly (number | undefined)[]): number {
  const known = values.filter((value) => value !== undefined);
  const most = Math.max(...known);
  if (most === -Infinity) return most;
  return most + Math.log(known.reduce((sum, value) => sum + Math.exp(value - most), 0));
}

function logarithms(logits: Float32Array): Float64Array {
  const total = logSum(Array.from(logits));
  return Float64Array.from(logits, (logit) => logit - total);
}
