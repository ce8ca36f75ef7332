// The kernels of a Transformer at the sizes that fill a GPU.

import { attentionDecode } from '../../src/shaders/attention/decode/attention-decode.ts';
import { attention } from '../../src/shaders/attention/attention.ts';
import { matmul } from '../../src/shaders/matmul/matmul.ts';
import { adam } from '../../src/shaders/optimizer/optimizer.ts';
import { normalize } from '../../src/shaders/rows/norm.ts';
import { softmax } from '../../src/shaders/rows/softmax.ts';
import type { Tensor } from '../../src/runtime/tensor.ts';
import type { Case, Tensors } from './measure.ts';

/** A tensor of a case by its name. */
export function input(tensors: Tensors, name: string): Tensor {
  const tensor = tensors[name];
  if (tensor === undefined) throw new RangeError(`this case has no input ${name}`);
  return tensor;
}

/** x·Wᵀ; of one row, the bytes of the weight count. */
function product(rows: number, depth: number, columns: number, dtype: 'f32' | 'f16'): Case {
  const size = dtype === 'f16' ? 2 : 4;
  return {
    name: `${rows === 1 ? 'matvec' : `matmul ${rows} ×`} ${depth} × ${columns}, ${dtype} weights`,
    work: rows === 1 ? { bytes: size * depth * columns } : { flops: 2 * rows * depth * columns },
    inputs: { x: { shape: [rows, depth] }, w: { shape: [columns, depth], dtype } },
    record: (tensors) => matmul(input(tensors, 'x'), input(tensors, 'w'), { transposed: true }),
    expected: (index, values) => {
      const [row, column] = [Math.floor(index / columns), index % columns];
      let sum = 0;
      for (let k = 0; k < depth; k++) {
        sum += values('x', row * depth + k) * values('w', column * depth + k);
      }
      return sum;
    },
  };
}

function prefill(length: number, heads: number): Case {
  const headSize = 64;
  const shape = [1, length, heads * headSize];
  return {
    name: `attention, causal, ${heads} heads of ${headSize}, ${length} tokens`,
    work: { flops: 2 * heads * headSize * length * (length + 1) },
    inputs: {
      q: { shape },
      k: { shape },
      v: { shape },
      mask: { shape: [1, length], dtype: 'u32', values: [1] },
    },
    record: (tensors) => {
      const columns = (name: string) => ({ tensor: input(tensors, name), start: 0 });
      return attention({
        q: columns('q'),
        k: columns('k'),
        v: columns('v'),
        keyMask: input(tensors, 'mask'),
        heads,
        headSize,
        causal: true,
      }).output;
    },
  };
}

function decode(keys: number, heads: number): Case {
  const headSize = 64;
  const width = heads * headSize;
  return {
    name: `attention of one token, ${heads} heads of ${headSize}, ${keys} keys`,
    work: { bytes: 8 * keys * width },
    inputs: {
      q: { shape: [1, 1, width] },
      cache: { shape: [keys, 2 * width] },
      table: { shape: [1, keys], dtype: 'u32' },
    },
    record: (tensors) =>
      attentionDecode({
        projections: input(tensors, 'q'),
        starts: { q: 0 },
        cache: input(tensors, 'cache'),
        table: input(tensors, 'table'),
        heads,
        headSize,
      }),
  };
}

function layerNorm(rows: number, columns: number): Case {
  return {
    name: `layer norm ${rows} × ${columns}`,
    work: { bytes: 8 * rows * columns },
    inputs: {
      x: { shape: [rows, columns] },
      weight: { shape: [columns] },
      bias: { shape: [columns] },
    },
    record: (tensors) =>
      normalize(input(tensors, 'x'), {
        weight: input(tensors, 'weight'),
        bias: input(tensors, 'bias'),
        eps: 1e-5,
      }),
  };
}

function softmaxOf(rows: number, columns: number): Case {
  return {
    name: `softmax ${rows} × ${columns}`,
    work: { bytes: 8 * rows * columns },
    inputs: { x: { shape: [rows, columns] } },
    record: (tensors) => softmax(input(tensors, 'x')),
  };
}

function adamOf(count: number): Case {
  return {
    name: `Adam of ${count} parameters`,
    // Parameter, m and v are read and written, the gradient and a byte of flags read.
    work: { bytes: 29 * count },
    inputs: {
      parameters: { shape: [count] },
      gradients: { shape: [count] },
      m: { shape: [count] },
      v: { shape: [count], values: [0.5] },
      flags: { shape: [count / 4], dtype: 'u32', values: [0x03030303] },
      settings: { shape: [4], values: [1e-6, 0, 0, 0] },
      status: { shape: [4], values: [1, 1, 1, 1] },
    },
    record: (tensors) => {
      const tensor = (name: string): Tensor => input(tensors, name);
      adam(
        {
          parameters: tensor('parameters'),
          gradients: tensor('gradients'),
          flags: tensor('flags'),
          states: [tensor('m'), tensor('v')],
        },
        {
          settings: tensor('settings'),
          status: tensor('status'),
          beta1: 0.9,
          beta2: 0.999,
          eps: 1e-8,
          weightDecay: 0.01,
          decoupled: true,
          amsgrad: false,
        },
      );
      return undefined;
    },
  };
}

export function kernels(isSmall: boolean): Case[] {
  const formats = ['f32', 'f16'] as const;
  const sizes = isSmall ? [64, 256] : [512, 1024, 2048, 4096];
  const [length, heads, wide] = isSmall ? [64, 4, 256] : [2048, 32, 4096];
  return [
    ...sizes.flatMap((size) => formats.map((dtype) => product(size, size, size, dtype))),
    ...formats.map((dtype) => product(128, 768, 3072, dtype)),
    ...formats.map((dtype) => product(1, wide, wide, dtype)),
    ...formats.map((dtype) => product(1, 768, 3072, dtype)),
    prefill(length, heads),
    prefill(128, 12),
    decode(length * 2, heads),
    decode(128, 12),
    layerNorm(wide * 2, 1024),
    softmaxOf(wide * 2, 1024),
    adamOf(isSmall ? 2 ** 16 : 2 ** 25),
  ];
}
