// The checks of the self-test for training: gradients next to central differences in float64, and
// the small kernels they are made of.

import { gradients } from '../runtime/gradient.ts';
import type { Tensor } from '../runtime/tensor.ts';
import { activate } from '../shaders/activate.ts';
import { attention } from '../shaders/attention.ts';
import { crossEntropy, ignoredLabel } from '../shaders/cross-entropy.ts';
import { add, columnSum, transpose } from '../shaders/elementwise.ts';
import { embedding } from '../shaders/embedding.ts';
import { layerNorm } from '../shaders/layer-norm.ts';
import type { Activation } from '../shaders/matmul.ts';
import { functions, type Result } from './self-test-checks.ts';
import type { Input, Inputs } from './self-test-inputs.ts';
import { attend, dot, normalize, slopes, softmaxRow } from './self-test-math.ts';

type NamedCheck = readonly [name: string, build: (inputs: Inputs) => Result];

/** To be run on recordings that keep a tape. */
export function gradientChecks(): NamedCheck[] {
  return [
    ['gelu', (inputs) => checkActivate(inputs, 'gelu', false)],
    ['gradient of gelu', (inputs) => checkActivate(inputs, 'gelu', true)],
    ['gradient of geluTanh', (inputs) => checkActivate(inputs, 'geluTanh', true)],
    ['sum of tensors', checkAdd],
    ['transpose', checkTranspose],
    ['sums of columns', checkColumnSum],
    ['gradient of layer norm', checkLayerNorm],
    ['cross entropy, smoothed', (inputs) => checkCrossEntropy(inputs, false)],
    ['gradient of cross entropy', (inputs) => checkCrossEntropy(inputs, true)],
    ['gradient of embedding', checkEmbedding],
    ['gradient of attention, queries', (inputs) => checkAttention(inputs, false, 'q')],
    ['gradient of causal attention, keys', (inputs) => checkAttention(inputs, true, 'kv')],
  ];
}

/**
 * The gradient of Σ r · output along one input, for numbers r.
 * `forward` computes the output from the input's values in float64.
 */
function gradientOf(
  inputs: Inputs,
  output: Tensor,
  input: Input,
  forward: (x: Float64Array) => ArrayLike<number>,
): Result {
  const r = inputs.floats(output.shape);
  const seeds = new Map([[output, r.tensor]]);
  const gradient = gradients(inputs.recording, seeds, [input.tensor], add).get(input.tensor);
  const wanted = slopes(input.data, (x) => dot(r.data, 0, forward(x), 0, r.data.length));
  return { output: gradient ?? output, wanted };
}

/** Rows of a flat matrix. */
function rowsOf(data: ArrayLike<number>, columns: number): number[][] {
  return Array.from({ length: data.length / columns }, (_, row) =>
    Array.from({ length: columns }, (__, column) => data[row * columns + column] ?? NaN),
  );
}

function checkActivate(inputs: Inputs, name: Activation, backward: boolean): Result {
  const x = inputs.floats([67]);
  const forward = (values: ArrayLike<number>): number[] => Array.from(values, functions[name]);
  const output = activate(x.tensor, name);
  return backward ? gradientOf(inputs, output, x, forward) : { output, wanted: forward(x.data) };
}

function checkAdd(inputs: Inputs): Result {
  const [a, b] = [inputs.floats([5, 13]), inputs.floats([5, 13])];
  const wanted = Float64Array.from(a.data, (value, i) => value + (b.data[i] ?? NaN));
  return { output: add(a.tensor, b.tensor), wanted };
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
function checkColumnSum(inputs: Inputs): Result {
  const x = inputs.floats([131, 3]);
  const rows = rowsOf(x.data, 3);
  const wanted = [0, 1, 2].map((column) =>
    rows.reduce((sum, row) => sum + (row[column] ?? NaN), 0),
  );
  return { output: columnSum(x.tensor, 'sums'), wanted };
}

function checkLayerNorm(inputs: Inputs): Result {
  const [rows, columns] = [3, 19];
  const [x, weight, bias] = [
    inputs.floats([rows, columns]),
    inputs.floats([columns]),
    inputs.floats([columns]),
  ];
  const norm = { weight: weight.tensor, bias: bias.tensor, eps: 1e-5 };
  return gradientOf(inputs, layerNorm(x.tensor, norm), x, (values) =>
    rowsOf(values, columns).flatMap((row) =>
      normalize(row, 1e-5).map(
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

/** q in one tensor, k and v side by side in another. */
function checkAttention(inputs: Inputs, causal: boolean, wanted: 'q' | 'kv'): Result {
  const [batches, heads, size, queries, keys] = [2, 2, 5, 5, causal ? 5 : 6];
  const width = heads * size;
  const q = inputs.floats([batches, queries, width]);
  const kv = inputs.floats([batches, keys, 2 * width]);
  const mask = Uint32Array.from({ length: batches * keys }, (_, i) => Number(i % 5 !== 3));
  const { output } = attention({
    q: { tensor: q.tensor, start: 0 },
    k: { tensor: kv.tensor, start: 0 },
    v: { tensor: kv.tensor, start: width },
    keyMask: inputs.tensor([batches, keys], mask),
    heads,
    headSize: size,
    causal,
  });
  const sees = (batch: number, query: number, key: number): boolean =>
    mask[batch * keys + key] === 1 && (!causal || key <= query);
  const shape = { batches, heads, queries, keys, size, sees };
  const forward = (query: ArrayLike<number>, both: ArrayLike<number>): Float64Array => {
    const rows = rowsOf(both, 2 * width);
    const k = rows.flatMap((row) => row.slice(0, width));
    const v = rows.flatMap((row) => row.slice(width));
    return attend(query, k, v, shape).output;
  };
  return wanted === 'q'
    ? gradientOf(inputs, output, q, (values) => forward(values, kv.data))
    : gradientOf(inputs, output, kv, (values) => forward(q.data, values));
}
