// The checks of weights in blocks: rounded, taken out of a file's codes, read by a product.

import { type BlockDtype, blocksOf, pitchOf } from '../runtime/dtype.ts';
import type { Tensor } from '../runtime/tensor.ts';
import { matmul } from '../shaders/matmul/matmul.ts';
import { reorder } from '../shaders/matmul/columns/reorder.ts';
import { quantize } from '../shaders/quantize/quantize.ts';
import { dequantize, repack } from '../shaders/quantize/repack.ts';
import { unpackGguf } from '../shaders/quantize/unpack-gguf.ts';
import { float32ToFloat16 } from '../source/float16.ts';
import type { Result } from './checks.ts';
import type { Inputs } from './inputs.ts';
import { dot } from './math.ts';
import type { NamedCheck } from './run-check.ts';

const [rows, columns] = [16, 64];
/** s and b of every block, which halves hold, too. */
const [scale, least] = [0.125, -0.75];

function at(values: ArrayLike<number>, place: number): number {
  return values[place] ?? NaN;
}

/** Codes of which each block has the least and the greatest, so that rounding finds s and b again. */
function codesUpTo(most: number): number[] {
  return Array.from({ length: rows * columns }, (_, i) =>
    i % 32 < 2 ? most * (i % 2) : (7 * i + Math.floor(i / columns)) % (most + 1),
  );
}

function numbersOf(codes: readonly number[]): Float32Array<ArrayBuffer> {
  return Float32Array.from(codes, (code) => scale * code + least);
}

function blocksIn(inputs: Inputs, dtype: BlockDtype): Tensor {
  const shape = [rows, columns];
  const pitch = pitchOf(dtype, columns);
  const { scope } = inputs.recording;
  return inputs.recording.use(scope.tensor({ label: 'blocks', shape, dtype, pitch }));
}

/** The bytes of codes of 4 or 8 bits. */
function bytesOfCodes(codes: readonly number[], bits: number): number[] {
  if (bits === 8) return [...codes];
  return Array.from(
    { length: codes.length / 2 },
    (_, i) => at(codes, 2 * i) + 16 * at(codes, 2 * i + 1),
  );
}

/** s and b of every block. */
function headsOf(dtype: BlockDtype): Float32Array<ArrayBuffer> {
  const length = (2 * rows * columns) / blocksOf(dtype).size;
  return Float32Array.from({ length }, (_, i) => (i % 2 === 0 ? scale : least));
}

/** The bytes of blocks: codes, then s and b of each in f32. */
function bytesOfBlocks(codes: readonly number[], dtype: BlockDtype): number[] {
  const heads = new Uint8Array(headsOf(dtype).buffer);
  return [...bytesOfCodes(codes, blocksOf(dtype).bits), ...heads];
}

function rounded(inputs: Inputs, dtype: BlockDtype): { blocks: Tensor; codes: number[] } {
  const codes = codesUpTo(2 ** blocksOf(dtype).bits - 1);
  const blocks = blocksIn(inputs, dtype);
  const place = inputs.tensor([2], Uint32Array.of(0, rows));
  const plain = inputs.tensor([rows, columns], numbersOf(codes));
  quantize(inputs.recording, { rows: plain, place, blocks });
  return { blocks, codes };
}

function checkQuantize(inputs: Inputs, dtype: BlockDtype): Result {
  const { blocks, codes } = rounded(inputs, dtype);
  return { output: blocks, wanted: bytesOfBlocks(codes, dtype) };
}

/** x·Wᵀ */
function checkInBlocks(inputs: Inputs, dtype: BlockDtype, height: number): Result {
  const { blocks, codes } = rounded(inputs, dtype);
  const weight = numbersOf(codes);
  const x = inputs.floats([height, columns]);
  const wanted = Float64Array.from({ length: height * rows }, (_, i) => {
    const [row, column] = [Math.floor(i / rows), i % rows];
    return dot(x.data, row * columns, weight, column * columns, columns);
  });
  return { output: matmul(x.tensor, blocks, { transposed: true }), wanted };
}

/** Codes along rows, their columns turned round; as blocks, or as numbers in the file's order. */
function checkRepack(inputs: Inputs, plain: boolean): Result {
  const dtype = 'int4-32-f32';
  const codes = codesUpTo(15);
  const words = new Uint32Array(Uint8Array.from(bytesOfCodes(codes, 4)).buffer);
  const shared = headsOf(dtype);
  const order = inputs.tensor(
    [columns],
    Uint32Array.from({ length: columns }, (_, i) => columns - 1 - i),
  );
  const blocks = blocksIn(inputs, dtype);
  const tensors = {
    packed: inputs.tensor([words.length], words),
    shared: inputs.tensor([shared.length], shared),
    order,
    blocks,
  };
  const move = { first: 0, count: rows, place: 0 };
  const packed = { layout: 'along', bits: 4, stride: columns } as const;
  repack(inputs.recording, tensors, packed, blocksOf(dtype).size, move);
  if (!plain) {
    const turned = codes.map((_, i) => at(codes, i - 2 * (i % columns) + columns - 1));
    return { output: blocks, wanted: bytesOfBlocks(turned, dtype) };
  }
  const output = inputs.recording.persistent('plain', [rows, columns]);
  dequantize(inputs.recording, { blocks, placeOf: order, plain: output }, move);
  return { output, wanted: numbersOf(codes) };
}

/** Q4_1: s and b of 32 weights, then their codes, the second half in the high bits. */
function checkGguf(inputs: Inputs): Result {
  const dtype = 'int4-32-f32';
  const codes = codesUpTo(15);
  const head = new Uint8Array(float32ToFloat16(Float32Array.of(scale, least)).buffer);
  const bytes = Array.from({ length: codes.length / 32 }, (_, block) => [
    ...head,
    ...Array.from({ length: 16 }, (__, i) => {
      const first = 32 * block + i;
      return at(codes, first) + 16 * at(codes, first + 16);
    }),
  ]).flat();
  const words = new Uint32Array(Uint8Array.from(bytes).buffer);
  const blocks = blocksIn(inputs, dtype);
  const packed = inputs.tensor([words.length], words);
  const form = { layout: 'gguf', type: 'q4_1', elements: 32, bytes: 20 } as const;
  unpackGguf(inputs.recording, { packed, blocks }, form, { first: 0, count: rows, place: 0 });
  return { output: blocks, wanted: bytesOfBlocks(codes, dtype) };
}

function checkReorder(inputs: Inputs): Result {
  const x = inputs.floats([3, 5]);
  const order = [2, 0, 4, 1, 3];
  const output = reorder(x.tensor, inputs.tensor([5], Uint32Array.from(order)));
  return { output, wanted: x.data.map((_, i) => at(x.data, i - (i % 5) + at(order, i % 5))) };
}

export function blockChecks(): NamedCheck[] {
  return [
    ['rows into int4-32-f32', (inputs) => checkQuantize(inputs, 'int4-32-f32')],
    ['rows into int8-64-f32', (inputs) => checkQuantize(inputs, 'int8-64-f32')],
    ['matmul 1 × 64 × 16, int4-32-f16', (inputs) => checkInBlocks(inputs, 'int4-32-f16', 1)],
    ['matmul 37 × 64 × 16, int8-32-f32', (inputs) => checkInBlocks(inputs, 'int8-32-f32', 37)],
    ["a file's codes", (inputs) => checkRepack(inputs, false)],
    ["a file's codes, as numbers", (inputs) => checkRepack(inputs, true)],
    ['blocks of GGUF', checkGguf],
    ['columns in another order', checkReorder],
  ];
}
