// The checks of the self-test that go row by row.

import type { Dtype } from '../runtime/dtype.ts';
import { crossEntropy } from '../shaders/loss/cross-entropy.ts';
import { ignoredLabel } from '../shaders/loss/ignored-label.ts';
import { embedding } from '../shaders/embedding/embedding.ts';
import { softmax } from '../shaders/rows/softmax.ts';
import type { Result } from './checks.ts';
import type { Inputs } from './inputs.ts';
import { standardized, softmaxRow } from './math.ts';
import { normalize } from '../shaders/rows/norm.ts';

const [rows, columns] = [5, 83];

/** Row `row` of a flat matrix. */
function rowOf(data: ArrayLike<number>, row: number, width: number = columns): number[] {
  return Array.from({ length: width }, (_, column) => data[row * width + column] ?? NaN);
}

export function checkLayerNorm(
  inputs: Inputs,
  withResidual: boolean,
  width: number = columns,
): Result {
  const x = inputs.floats([rows, width]);
  const residual = withResidual ? inputs.floats([rows, width]) : undefined;
  const [weight, bias] = [inputs.floats([width]), inputs.floats([width])];
  const wanted = Array.from({ length: rows }, (_, row) => {
    const sum = rowOf(x.data, row, width).map(
      (value, column) => value + (residual?.data[row * width + column] ?? 0),
    );
    return standardized(sum, 1e-5).map(
      (value, column) => value * (weight.data[column] ?? NaN) + (bias.data[column] ?? NaN),
    );
  }).flat();
  const norm = { weight: weight.tensor, bias: bias.tensor, eps: 1e-5 };
  const options = residual === undefined ? {} : { residual: residual.tensor };
  return { output: normalize(x.tensor, norm, options), wanted };
}

/** table[id] · 3 + positions[position] */
export function checkEmbedding(inputs: Inputs, format: Dtype): Result {
  const table = inputs.weight([11, columns], format);
  const positions = inputs.floats([7, columns]);
  const [ids, places] = [Uint32Array.of(10, 0, 3, 3, 7), Uint32Array.of(0, 6, 2, 3, 1)];
  const output = embedding(inputs.tensor([1, rows], ids), table.tensor, {
    scale: 3,
    positions: { position: inputs.tensor([1, rows], places), table: positions.tensor },
  });
  const wanted = Array.from({ length: rows }, (_, token) => {
    const added = rowOf(positions.data, places[token] ?? 0);
    return rowOf(table.data, ids[token] ?? 0).map((value, i) => value * 3 + (added[i] ?? NaN));
  }).flat();
  return { output, wanted };
}

export function checkSoftmax(inputs: Inputs): Result {
  const x = inputs.floats([rows, columns]);
  const wanted = Array.from({ length: rows }, (_, row) => softmaxRow(rowOf(x.data, row))).flat();
  return { output: softmax(x.tensor), wanted };
}

/** -log softmax(x)[label]; the second row does not count. */
export function checkCrossEntropy(inputs: Inputs): Result {
  const x = inputs.floats([rows, columns]);
  const labels = [82, ignoredLabel, 0, 17, 64];
  const wanted = labels.map((label, row) =>
    label === ignoredLabel ? 0 : -Math.log(softmaxRow(rowOf(x.data, row))[label] ?? NaN),
  );
  return {
    output: crossEntropy(x.tensor, inputs.tensor([rows], Uint32Array.from(labels))),
    wanted,
  };
}
