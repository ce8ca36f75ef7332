// What is compared: the kernels of a Transformer, at the sizes of the models people run.

import { float16ToFloat32, float32ToFloat16 } from '../src/source/float16.ts';
import { chooseToken } from '../src/shaders/choice/choose-token.ts';
import { embedding } from '../src/shaders/embedding/embedding.ts';
import { matmul } from '../src/shaders/matmul/matmul.ts';
import { softmax } from '../src/shaders/rows/softmax.ts';
import { attentionCase, decodeCase } from './attention-cases.ts';
import { type Case, input, numbers } from './case.ts';
import { plainArgmax, plainEmbedding, plainLayerNorm, plainMatmul, plainSoftmax } from './plain.ts';
import { normalize } from '../src/shaders/rows/norm.ts';

/** x·Wᵀ, W stored as linear layers store it. x: (rows, depth), W: (columns, depth). */
function matmulCase(
  rows: number,
  depth: number,
  columns: number,
  { dtype = 'f32', slow = false }: { dtype?: 'f32' | 'f16'; slow?: boolean } = {},
): Case {
  const x = numbers(rows * depth, 1);
  let w = numbers(columns * depth, 2);
  if (dtype === 'f16') w = float16ToFloat32(float32ToFloat16(w));
  return {
    name: `matmul ${rows}×${depth}×${columns}${dtype === 'f16' ? ', f16 weights' : ''}`,
    slow,
    work: { flops: 2 * rows * depth * columns },
    inputs: {
      x: { shape: [rows, depth], data: x },
      w: { shape: [columns, depth], data: w, dtype },
    },
    ours: (_, tensors) => matmul(input(tensors, 'x'), input(tensors, 'w'), { transposed: true }),
    plain: (_, tensors) => plainMatmul(input(tensors, 'x'), input(tensors, 'w')),
    expected: (index) => {
      const [row, column] = [Math.floor(index / columns), index % columns];
      let sum = 0;
      for (let k = 0; k < depth; k++) {
        sum += (x[row * depth + k] ?? NaN) * (w[column * depth + k] ?? NaN);
      }
      return sum;
    },
  };
}

function layerNormCase(rows: number, columns: number): Case {
  const x = numbers(rows * columns, 1);
  const [weight, bias] = [numbers(columns, 2), numbers(columns, 3)];
  const eps = 1e-5;
  return {
    name: `layer norm ${rows}×${columns}`,
    work: { bytes: 8 * rows * columns },
    inputs: {
      x: { shape: [rows, columns], data: x },
      weight: { shape: [columns], data: weight },
      bias: { shape: [columns], data: bias },
    },
    ours: (_, tensors) =>
      normalize(input(tensors, 'x'), {
        weight: input(tensors, 'weight'),
        bias: input(tensors, 'bias'),
        eps,
      }),
    plain: (_, tensors) =>
      plainLayerNorm(input(tensors, 'x'), input(tensors, 'weight'), input(tensors, 'bias'), eps),
    expected: (index) => {
      const [row, column] = [Math.floor(index / columns), index % columns];
      const values = [...x.subarray(row * columns, (row + 1) * columns)];
      const mean = values.reduce((sum, value) => sum + value, 0) / columns;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / columns;
      const centred = (values[column] ?? NaN) - mean;
      return (
        (centred / Math.sqrt(variance + eps)) * (weight[column] ?? NaN) + (bias[column] ?? NaN)
      );
    },
  };
}

function softmaxCase(rows: number, columns: number): Case {
  const x = numbers(rows * columns, 1).map((value) => 8 * value);
  return {
    name: `softmax ${rows}×${columns}`,
    work: { bytes: 8 * rows * columns },
    inputs: { x: { shape: [rows, columns], data: x } },
    ours: (_, tensors) => softmax(input(tensors, 'x')),
    plain: (_, tensors) => plainSoftmax(input(tensors, 'x')),
    expected: (index) => {
      const [row, column] = [Math.floor(index / columns), index % columns];
      const values = [...x.subarray(row * columns, (row + 1) * columns)];
      const total = values.reduce((sum, value) => sum + Math.exp(value), 0);
      return Math.exp(values[column] ?? NaN) / total;
    },
  };
}

function argmaxCase(rows: number, columns: number): Case {
  const x = numbers(rows * columns, 1);
  return {
    name: `argmax ${rows}×${columns}`,
    work: { bytes: 4 * rows * columns },
    inputs: { x: { shape: [rows, columns], data: x } },
    ours: (recording, tensors) => {
      const index = recording.persistent('index', [rows], 'u32');
      chooseToken(input(tensors, 'x'), index);
      return index;
    },
    plain: (recording, tensors) => {
      const index = recording.persistent('index', [rows], 'u32');
      plainArgmax(input(tensors, 'x'), index);
      return index;
    },
    expected: (row) => {
      const values = x.subarray(row * columns, (row + 1) * columns);
      return values.indexOf(values.reduce((most, value) => Math.max(most, value), -Infinity));
    },
  };
}

function embeddingCase(tokens: number, columns: number, vocabulary: number): Case {
  const table = numbers(vocabulary * columns, 1);
  const ids = Uint32Array.from({ length: tokens }, (_, i) => (i * 7919) % vocabulary);
  return {
    name: `embedding ${tokens}×${columns}`,
    work: { bytes: 8 * tokens * columns },
    inputs: {
      ids: { shape: [1, tokens], data: ids },
      table: { shape: [vocabulary, columns], data: table },
    },
    ours: (_, tensors) => embedding(input(tensors, 'ids'), input(tensors, 'table')),
    plain: (_, tensors) => plainEmbedding(input(tensors, 'ids'), input(tensors, 'table')),
    expected: (index) => {
      const id = ids[Math.floor(index / columns)] ?? NaN;
      return table[id * columns + (index % columns)] ?? NaN;
    },
  };
}

export const cases: readonly (() => Case)[] = [
  () => matmulCase(512, 512, 512),
  () => matmulCase(512, 512, 512, { dtype: 'f16' }),
  () => matmulCase(1024, 1024, 1024, { slow: true }),
  () => matmulCase(1, 768, 3072),
  () => matmulCase(1, 768, 3072, { dtype: 'f16' }),
  () => matmulCase(4, 768, 3072),
  () => matmulCase(4, 768, 3072, { dtype: 'f16' }),
  () => matmulCase(128, 768, 3072),
  () => matmulCase(128, 768, 3072, { dtype: 'f16' }),
  () => attentionCase(128, { causal: false }),
  () => attentionCase(128, { causal: true }),
  () => attentionCase(512, { causal: false, slow: true }),
  () => attentionCase(512, { causal: true, slow: true }),
  () => decodeCase(128),
  () => layerNormCase(512, 768),
  () => softmaxCase(512, 1024),
  () => argmaxCase(16, 32000),
  () => embeddingCase(512, 768, 8192),
];
