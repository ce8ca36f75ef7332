// The checks of the self-test that go row by row.

import type { Dtype } from '../runtime/tensor.ts';
import { argmax } from '../shaders/argmax.ts';
import { crossEntropy, ignoredLabel } from '../shaders/cross-entropy.ts';
import { advance, embedding } from '../shaders/embedding.ts';
import { layerNorm } from '../shaders/layer-norm.ts';
import { softmax } from '../shaders/softmax.ts';
import type { Result } from './self-test-checks.ts';
import type { Inputs } from './self-test-inputs.ts';
import { normalize, softmaxRow } from './self-test-math.ts';

const [rows, columns] = [5, 83];

/** Row `row` of a flat matrix. */
function rowOf(data: ArrayLike<number>, row: number): number[] {
  return Array.from({ length: columns }, (_, column) => data[row * columns + column] ?? NaN);
}

export function checkLayerNorm(inputs: Inputs, withResidual: boolean): Result {
  const x = inputs.floats([rows, columns]);
  const residual = withResidual ? inputs.floats([rows, columns]) : undefined;
  const [weight, bias] = [inputs.floats([columns]), inputs.floats([columns])];
  const wanted = Array.from({ length: rows }, (_, row) => {
    const sum = rowOf(x.data, row).map(
      (value, column) => value + (residual?.data[row * columns + column] ?? 0),
    );
    return normalize(sum, 1e-5).map(
      (value, column) => value * (weight.data[column] ?? NaN) + (bias.data[column] ?? NaN),
    );
  }).flat();
  const norm = { weight: weight.tensor, bias: bias.tensor, eps: 1e-5 };
  const options = residual === undefined ? {} : { residual: residual.tensor };
  return { output: layerNorm(x.tensor, norm, options), wanted };
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

export function checkAdvance(inputs: Inputs): Result {
  const output = inputs.tensor([3, 1], Uint32Array.of(0, 41, 6));
  advance(output);
  return { output, wanted: [1, 42, 7] };
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

export function checkArgmax(inputs: Inputs, suppress: boolean): Result {
  const x = inputs.floats([rows, columns]);
  const flags = Uint32Array.from({ length: columns }, (_, i) => Number(suppress && i % 3 !== 1));
  const wanted = Array.from({ length: rows }, (_, row) => {
    const allowed = rowOf(x.data, row).map((value, i) => (flags[i] === 0 ? value : -Infinity));
    return allowed.indexOf(Math.max(...allowed));
  });
  const output = inputs.tensor([rows], new Uint32Array(rows));
  argmax(x.tensor, output, suppress ? inputs.tensor([columns], flags) : undefined);
  return { output, wanted };
}
