// The checks of what goes by the lengths of rows and of columns, and of the weights of labels.

import { stepAlong, within } from '../shaders/elementwise/perturb.ts';
import { labelWeights } from '../shaders/loss/label-weights.ts';
import { rescale } from '../shaders/matmul/adapters/rescale.ts';
import { rowEnergy } from '../shaders/rows/row-energy.ts';
import type { Result } from './checks.ts';
import { gradientOf } from './gradients.ts';
import type { Input, Inputs } from './inputs.ts';
import { dot, rowsOf } from './math.ts';
import { bound, type NamedCheck } from './run-check.ts';

/** To be run on recordings that keep a tape. */
export function lengthChecks(): NamedCheck[] {
  return [
    ['lengths of rows', checkEnergy],
    ['columns of given lengths', (inputs) => checkRescale(inputs)],
    ['gradient of columns of given lengths', (inputs) => checkRescale(inputs, 'y')],
    ['gradient of the lengths of columns', (inputs) => checkRescale(inputs, 'magnitude')],
    ['steps along gradients', (inputs) => checkPerturb(inputs, false)],
    ['steps within bounds', (inputs) => checkPerturb(inputs, true)],
    ['steps by signs', (inputs) => checkSigns(inputs, false)],
    ['elements within bounds', (inputs) => checkSigns(inputs, true)],
    ['weights of labels', checkLabelWeights],
  ];
}

/** Of some rows of a weight with its update. */
function checkEnergy(inputs: Inputs): Result {
  const [rows, columns, first, scale] = [5, 39, 2, 0.6];
  const weight = inputs.weight([9, columns], 'f16');
  const delta = inputs.floats([rows, columns]);
  const wanted = rowsOf(delta.data, columns).map((row, at) =>
    row.reduce((sum, value, column) => {
      const own = weight.data[(first + at) * columns + column] ?? NaN;
      return sum + (own + scale * value) ** 2;
    }, 0),
  );
  return { output: rowEnergy(weight.tensor, delta.tensor, { first, scale }), wanted };
}

/** The five columns in the middle, with a bias. Of a single row, the gradient of their lengths is a sum of one. */
function checkRescale(inputs: Inputs, of?: 'y' | 'magnitude'): Result {
  const [rows, columns, left, width] = [of === 'magnitude' ? 1 : 7, 9, 2, 5];
  const given = { y: inputs.floats([rows, columns]), magnitude: inputs.floats([width]) };
  const bias = inputs.floats([columns]);
  const energy = positive(inputs, width);
  const forward = (y: ArrayLike<number>, magnitude: ArrayLike<number>): Float64Array =>
    Float64Array.from(y, (value, i) => {
      const column = i % columns;
      const at = column - left;
      if (at < 0 || at >= width) return value;
      const added = bias.data[column] ?? NaN;
      return added + ((value - added) * (magnitude[at] ?? NaN)) / Math.sqrt(energy.data[at] ?? NaN);
    });
  const tensors = { magnitude: given.magnitude.tensor, energy: energy.tensor, bias: bias.tensor };
  const output = rescale(given.y.tensor, { ...tensors, left });
  if (of === undefined) return { output, wanted: forward(given.y.data, given.magnitude.data) };
  if (of === 'y') {
    return gradientOf(inputs, output, given.y, (y) => forward(y, given.magnitude.data));
  }
  const ofLengths = gradientOf(inputs, output, given.magnitude, (m) => forward(given.y.data, m));
  return { output: bound(inputs, 'rescale-products', 'products'), wanted: ofLengths.wanted };
}

function positive(inputs: Inputs, count: number): Input {
  const data = inputs.values(count).map((value) => value * value + 0.5);
  return { tensor: inputs.tensor([count], data), data };
}

/** The same of elements: by their signs, and within a bound each. */
function checkSigns(inputs: Inputs, bounded: boolean): Result {
  const [step, most] = [0.7, 0.4];
  const [x, prior] = [inputs.floats([4, 11]), inputs.floats([4, 11])];
  const wanted = Float64Array.from(x.data, (value, i) =>
    bounded
      ? Math.min(most, Math.max(-most, value))
      : (prior.data[i] ?? NaN) + step * Math.sign(value),
  );
  const output = bounded
    ? within(x.tensor, undefined, most)
    : stepAlong(x.tensor, undefined, { step, prior: prior.tensor });
  return { output, wanted };
}

function checkPerturb(inputs: Inputs, bounded: boolean): Result {
  const [rows, columns, step, most] = [4, 11, 0.7, 1.5];
  const [x, prior] = [inputs.floats([rows, columns]), inputs.floats([rows, columns])];
  const energies = rowsOf(x.data, columns).map((row) => dot(row, 0, row, 0, columns));
  const energy = inputs.tensor([rows], Float32Array.from(energies));
  const wanted = Float64Array.from(x.data, (value, i) => {
    const length = Math.sqrt(energies[Math.floor(i / columns)] ?? NaN);
    return bounded
      ? value * Math.min(1, most / length)
      : (prior.data[i] ?? NaN) + (step * value) / length;
  });
  const output = bounded
    ? within(x.tensor, energy, most)
    : stepAlong(x.tensor, energy, { step, prior: prior.tensor });
  return { output, wanted };
}

/** One of them does not count. */
function checkLabelWeights(inputs: Inputs): Result {
  const labels = [2, 0, -100, 1, 2];
  const factor = inputs.floats([3]);
  const label = inputs.tensor([labels.length], Uint32Array.from(labels));
  const wanted = labels.map((one) => (one < 0 ? 0 : (factor.data[one] ?? NaN)));
  return { output: labelWeights(label, factor.tensor), wanted };
}
