// The checks of the self-test for training: gradients next to central differences in float64, and
// the small kernels they are made of.

import { gradients } from '../runtime/gradient.ts';
import type { Tensor } from '../runtime/tensor.ts';
import { activate } from '../shaders/matmul/gates/activate.ts';
import { columnSum } from '../shaders/matmul/columns/column-sum.ts';
import { crossEntropy } from '../shaders/loss/cross-entropy.ts';
import { ignoredLabel } from '../shaders/loss/ignored-label.ts';
import { distillationLoss } from '../shaders/loss/distillation-loss.ts';
import { dropout } from '../shaders/elementwise/dropout.ts';
import { add } from '../shaders/elementwise/add.ts';
import { packHalves, unpackHalves } from '../shaders/elementwise/halves.ts';
import { columnProduct } from '../shaders/elementwise/column-scale.ts';
import { embeddingLinks } from '../shaders/embedding/embedding-backward.ts';
import { embedding } from '../shaders/embedding/embedding.ts';
import { gradientRules } from '../shaders/gradients.ts';
import { lora } from '../shaders/matmul/adapters/lora.ts';
import type { Activation } from '../shaders/matmul/matmul.ts';
import { transpose } from '../shaders/matmul/columns/transpose.ts';
import { functions, type Result } from './checks.ts';
import { meansOf, patchesOf, tokensOf } from './images.ts';
import { windowsOf } from './signals.ts';
import { normedOf } from './sounds.ts';
import { type Input, type Inputs, seed, step } from './inputs.ts';
import { dot, rowsOf, standardized, randomBits, slopes, softmaxRow } from './math.ts';
import type { NamedCheck } from './run-check.ts';
import { normalize } from '../shaders/rows/norm.ts';

/** To be run on recordings that keep a tape. */
export function gradientChecks(): NamedCheck[] {
  return [
    ['gelu', (inputs) => checkActivate(inputs, 'gelu', 67, false)],
    ['gelu, in fours', (inputs) => checkActivate(inputs, 'gelu', 68, false)],
    ['gradient of gelu', (inputs) => checkActivate(inputs, 'gelu', 67, true)],
    ['gradient of geluTanh, in fours', (inputs) => checkActivate(inputs, 'geluTanh', 68, true)],
    ['sum of tensors', (inputs) => checkAdd(inputs, 13)],
    ['sum of tensors, in fours', (inputs) => checkAdd(inputs, 12)],
    ['embedding links', checkLinks],
    ['numbers in f16', (inputs) => checkHalves(inputs, false)],
    ['numbers in f16 and back', (inputs) => checkHalves(inputs, true)],
    ['transpose', checkTranspose],
    ['sums of columns', (inputs) => checkColumnSum(inputs, 3)],
    ['sums of columns, in fours', (inputs) => checkColumnSum(inputs, 12)],
    ['gradient of columns of other rows', checkColumnProduct],
    ['gradient of layer norm', (inputs) => checkLayerNorm(inputs, 19)],
    ['gradient of layer norm, in fours', (inputs) => checkLayerNorm(inputs, 20)],
    ['cross entropy, smoothed', (inputs) => checkCrossEntropy(inputs, false)],
    ['gradient of cross entropy', (inputs) => checkCrossEntropy(inputs, true)],
    ['distillation loss', (inputs) => checkDistillation(inputs, false)],
    ['gradient of distillation loss', (inputs) => checkDistillation(inputs, true)],
    ['gradient of embedding', checkEmbedding],
    ['dropout with residual', (inputs) => checkDropout(inputs, false)],
    ['gradient of dropout', (inputs) => checkDropout(inputs, true)],
    ['low-rank update, f16', (inputs) => checkLora(inputs, false)],
    ['gradient of low-rank update', (inputs) => checkLora(inputs, true)],
    ['gradient of tokens of images', checkImageTokens],
    ['gradient of patches', checkPatches],
    ['gradient of means of tokens', checkMeans],
    ['gradient of windows', checkWindows],
    ['gradient of groups of channels, normalized', checkGroupNorm],
  ];
}

/**
 * The gradient of Σ r · output along one input, for numbers r.
 * `forward` computes the output from the input's values in float64.
 */
export function gradientOf(
  inputs: Inputs,
  output: Tensor,
  input: Input,
  forward: (x: Float64Array) => ArrayLike<number>,
): Result {
  const r = inputs.floats(output.shape);
  const seeds = new Map([[output, r.tensor]]);
  const found = gradients(inputs.recording, seeds, [input.tensor], gradientRules);
  const gradient = found.get(input.tensor);
  const wanted = slopes(input.data, (x) => dot(r.data, 0, forward(x), 0, r.data.length));
  return { output: gradient ?? output, wanted };
}

function checkActivate(inputs: Inputs, name: Activation, size: number, backward: boolean): Result {
  const x = inputs.floats([size]);
  const forward = (values: ArrayLike<number>): number[] => Array.from(values, functions[name]);
  const output = activate(x.tensor, name);
  return backward ? gradientOf(inputs, output, x, forward) : { output, wanted: forward(x.data) };
}

function checkAdd(inputs: Inputs, columns: number): Result {
  const [a, b] = [inputs.floats([5, columns]), inputs.floats([5, columns])];
  const wanted = Float64Array.from(a.data, (value, i) => value + (b.data[i] ?? NaN));
  return { output: add(a.tensor, b.tensor), wanted };
}

/** Of numbers that f16 holds as they are. */
function checkHalves(inputs: Inputs, isBack: boolean): Result {
  const { tensor, data } = inputs.weight([3, 8], 'f16');
  const given = unpackHalves(inputs.recording.use(tensor), [3, 8]);
  const packed = packHalves(given);
  return { output: isBack ? unpackHalves(packed, [3, 8]) : packed, wanted: data };
}

function checkTranspose(inputs: Inputs): Result {
  const [batches, rows, columns] = [2, 5, 7];
  const x = inputs.floats([batches, rows, columns]);
  const wanted = Float64Array.from(x.data, (_, i) => {
    const [batch, inner] = [Math.floor(i / rows / columns), i % (rows * columns)];
    const [row, column] = [inner % rows, Math.floor(inner / rows)];
    return x.data[(batch * rows + row) * columns + column] ?? NaN;
  });
  return { output: transpose(x.tensor, { batches, rows, columns }), wanted };
}

/** More rows than one stage sums. */
function checkColumnSum(inputs: Inputs, columns: number): Result {
  const x = inputs.floats([131, columns]);
  const rows = rowsOf(x.data, columns);
  const wanted = Array.from({ length: columns }, (_, column) =>
    rows.reduce((sum, row) => sum + (row[column] ?? NaN), 0),
  );
  return { output: columnSum(x.tensor, 'sums'), wanted };
}

/** Three of seven columns are factors. */
function checkColumnProduct(inputs: Inputs): Result {
  const [columns, first] = [3, 2];
  const [x, beside] = [inputs.floats([5, columns]), inputs.floats([5, 7])];
  const output = columnProduct(x.tensor, beside.tensor, first, 'product');
  return gradientOf(inputs, output, beside, (values) => {
    const rows = rowsOf(values, 7);
    return Array.from(x.data, (value, i) => {
      const row = rows[Math.floor(i / columns)] ?? [];
      return value * (row[first + (i % columns)] ?? NaN);
    });
  });
}

function checkLayerNorm(inputs: Inputs, columns: number): Result {
  const [x, weight, bias] = [
    inputs.floats([3, columns]),
    inputs.floats([columns]),
    inputs.floats([columns]),
  ];
  const norm = { weight: weight.tensor, bias: bias.tensor, eps: 1e-5 };
  return gradientOf(inputs, normalize(x.tensor, norm), x, (values) =>
    rowsOf(values, columns).flatMap((row) =>
      standardized(row, 1e-5).map(
        (value, i) => value * (weight.data[i] ?? NaN) + (bias.data[i] ?? NaN),
      ),
    ),
  );
}

/** Label smoothing of a tenth; the second row does not count. */
function checkCrossEntropy(inputs: Inputs, backward: boolean): Result {
  const columns = 21;
  const labels = [20, ignoredLabel, 0, 17];
  const x = inputs.floats([labels.length, columns]);
  const forward = (values: ArrayLike<number>): number[] =>
    rowsOf(values, columns).map((row, i) => {
      const label = labels[i] ?? NaN;
      if (label === ignoredLabel) return 0;
      const logs = softmaxRow(row).map(Math.log);
      const mean = logs.reduce((sum, value) => sum + value, 0) / columns;
      return -0.9 * (logs[label] ?? NaN) - 0.1 * mean;
    });
  const label = inputs.tensor([labels.length], Uint32Array.from(labels));
  const output = crossEntropy(x.tensor, label, 0.1);
  return backward ? gradientOf(inputs, output, x, forward) : { output, wanted: forward(x.data) };
}

/** Three quarters from a teacher at temperature 2, the rest from labels; the second row does not count. */
function checkDistillation(inputs: Inputs, backward: boolean): Result {
  const [columns, temperature] = [21, 2];
  const labels = [20, ignoredLabel, 0, 17];
  const [x, teacher] = [
    inputs.floats([labels.length, columns]),
    inputs.floats([labels.length, columns]),
  ];
  const soften = (row: readonly number[] = []): number[] =>
    softmaxRow(row.map((value) => value / temperature));
  const taught = rowsOf(teacher.data, columns);
  const forward = (values: ArrayLike<number>): number[] =>
    rowsOf(values, columns).map((row, i) => {
      const label = labels[i] ?? NaN;
      if (label === ignoredLabel) return 0;
      const [p, q] = [soften(taught[i]), soften(row)];
      const divergence = p.reduce(
        (sum, value, j) => sum + value * Math.log(value / (q[j] ?? NaN)),
        0,
      );
      return 0.75 * temperature ** 2 * divergence - 0.25 * Math.log(softmaxRow(row)[label] ?? NaN);
    });
  const output = distillationLoss(x.tensor, {
    teacher: teacher.tensor,
    label: inputs.tensor([labels.length], Uint32Array.from(labels)),
    temperature,
    weight: 0.75,
    smoothing: 0,
  });
  return backward ? gradientOf(inputs, output, x, forward) : { output, wanted: forward(x.data) };
}

/** table[id] · 3, where one word occurs twice and others never. */
function checkEmbedding(inputs: Inputs): Result {
  const columns = 9;
  const table = inputs.floats([7, columns]);
  const words = Uint32Array.of(6, 0, 3, 3);
  const ids = inputs.tensor([1, words.length], words);
  const output = embedding(ids, table.tensor, { scale: 3 });
  return gradientOf(inputs, output, table, (values) => {
    const rows = rowsOf(values, columns);
    return [...words].flatMap((word) => (rows[word] ?? []).map((value) => value * 3));
  });
}

function checkPatches(inputs: Inputs): Result {
  const { output, pixels, forward } = patchesOf(inputs);
  return gradientOf(inputs, output, pixels, forward);
}

function checkMeans(inputs: Inputs): Result {
  const { output, x, forward } = meansOf(inputs);
  return gradientOf(inputs, output, x, forward);
}

function checkGroupNorm(inputs: Inputs): Result {
  const { output, x, forward } = normedOf(inputs);
  return gradientOf(inputs, output, x, forward);
}

function checkWindows(inputs: Inputs): Result {
  const { output, x, forward } = windowsOf(inputs);
  return gradientOf(inputs, output, x, forward);
}

function checkImageTokens(inputs: Inputs): Result {
  const { output, positions, forward } = tokensOf(inputs);
  return gradientOf(inputs, output, positions, forward);
}

/** Of dropout in the checks. */
export const rate = 0.25;

/** What the first dropout of a list multiplies the element at a place by. */
export function keep(place: number): number {
  return randomBits(seed, step, 0, place) < rate * 2 ** 32 ? 0 : 1 / (1 - rate);
}

function checkDropout(inputs: Inputs, backward: boolean): Result {
  const [x, residual] = [inputs.floats([5, 27]), inputs.floats([5, 27])];
  const forward = (values: ArrayLike<number>): number[] =>
    Array.from(values, (value, i) => value * keep(i) + (residual.data[i] ?? NaN));
  const output = dropout(x.tensor, rate, { residual: residual.tensor });
  return backward ? gradientOf(inputs, output, x, forward) : { output, wanted: forward(x.data) };
}

/** Three of seven rows of an f16 weight are updated. */
function checkLora(inputs: Inputs, backward: boolean): Result {
  const [rows, columns, first, count, scale] = [7, 11, 2, 3, 0.75];
  const weight = inputs.weight([rows, columns], 'f16');
  const delta = inputs.floats([count, columns]);
  const forward = (values: ArrayLike<number>): Float64Array =>
    Float64Array.from(weight.data, (value, i) => {
      const update = values[i - first * columns] ?? 0;
      return value + scale * update;
    });
  const output = lora(weight.tensor, delta.tensor, { first, scale });
  return backward
    ? gradientOf(inputs, output, delta, forward)
    : { output, wanted: forward(delta.data) };
}

/** Words that occur once, twice, and never. */
function checkLinks(inputs: Inputs): Result {
  const none = 2 ** 32 - 1;
  const output = embeddingLinks(inputs.tensor([1, 4], Uint32Array.of(2, 0, 1, 1)), 4);
  return { output, wanted: [none, none, none, 2, 1, 3, 0, none] };
}
