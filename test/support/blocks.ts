// Weights in blocks, plainly: what codes and scales stand for, and codes for given numbers.

import { type BlockDtype, type Blocks, blocksOf, bytesOf } from '../../src/runtime/dtype.ts';
import { float16ToFloat32, float32ToFloat16 } from '../../src/source/float16.ts';

/** The numbers behind codes of 4 bits, as their papers list them. */
const tables: Partial<Record<string, readonly number[]>> = {
  nf4: [
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
    -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
    0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
    0.7229568362236023, 1.0,
  ],
  fp4: [0, 1 / 192, 2 / 3, 1, 1 / 3, 1 / 2, 1 / 6, 1 / 4],
  mxfp4: [0, 0.5, 1, 1.5, 2, 3, 4, 6],
};

function e4m3(code: number): number {
  const [exponent, mantissa] = [(code >> 3) & 15, code & 7];
  const size = exponent === 0 ? mantissa * 2 ** -9 : (1 + mantissa / 8) * 2 ** (exponent - 7);
  return code > 127 ? -size : size;
}

/** The number behind a code. */
export function codeValue({ codes }: Pick<Blocks, 'codes'>, code: number): number {
  if (codes === 'fp8') return e4m3(code);
  const table = tables[codes];
  if (table === undefined) return code;
  if (table.length === 16) return table[code]!;
  return (code > 7 ? -1 : 1) * table[code & 7]!;
}

function known(dtype: string): Blocks {
  const blocks = blocksOf(dtype as BlockDtype);
  if (blocks === undefined) throw new RangeError(`${dtype} has no blocks`);
  return blocks;
}

export interface Decoded {
  /** s·q + b */
  readonly values: Float64Array;
  /** |s·q| + |b|, which rounding goes by. */
  readonly sizes: Float64Array;
}

/** All elements of a tensor in blocks, rows padded. */
export function decodeBlocks(bytes: ArrayBuffer, dtype: string): Decoded {
  const blocks = known(dtype);
  const { bits, size, codeWords, headWords, scales } = blocks;
  const words = new Uint32Array(bytes);
  const floats = new Float32Array(bytes);
  const count = Math.floor(words.length / (codeWords + headWords));
  const values = new Float64Array(count * size);
  const sizes = new Float64Array(count * size);
  for (let block = 0; block < count; block++) {
    const head = count * codeWords + block * headWords;
    const pair =
      scales === 'f16'
        ? float16ToFloat32(Uint16Array.of(words[head]! & 0xffff, words[head]! >>> 16))
        : [floats[head]!, headWords === 2 ? floats[head + 1]! : 0];
    const [s = 0, b = 0] = pair;
    for (let k = 0; k < size; k++) {
      const at = block * size + k;
      const code = (words[Math.floor((at * bits) / 32)]! >>> ((at * bits) % 32)) & (2 ** bits - 1);
      const value = s * codeValue(blocks, code);
      values[at] = value + b;
      sizes[at] = Math.abs(value) + Math.abs(b);
    }
  }
  return { values, sizes };
}

/** Rows of numbers, whole blocks long, as a tensor in blocks: each code the nearest. */
export function encodeBlocks(values: Float32Array, dtype: string): Uint8Array<ArrayBuffer> {
  const blocks = known(dtype);
  const { codes, bits, size, codeWords, headWords, scales } = blocks;
  const count = values.length / size;
  const bytes = Math.ceil(bytesOf(dtype as BlockDtype, values.length) / 16) * 16;
  const words = new Uint32Array(Math.max(16, bytes) / 4);
  const floats = new Float32Array(words.buffer);
  const all = Array.from({ length: 2 ** bits }, (_, code) => codeValue(blocks, code));
  const most = Math.max(...all.filter(Number.isFinite));
  const isInteger = codes === 'int4' || codes === 'int8';
  for (let block = 0; block < count; block++) {
    const own = [...values.subarray(block * size, (block + 1) * size)];
    const low = isInteger ? Math.min(...own) : 0;
    const spread = isInteger ? Math.max(...own) - low : Math.max(...own.map(Math.abs));
    let [s, b] = [spread / most, low];
    if (scales === 'f16')
      [s = 0, b = 0] = float16ToFloat32(float32ToFloat16(Float32Array.of(s, b)));
    const head = count * codeWords + block * headWords;
    if (scales === 'f16') {
      const [x = 0, y = 0] = float32ToFloat16(Float32Array.of(s, b));
      words[head] = x | (y << 16);
    } else {
      floats[head] = s;
      if (headWords === 2) floats[head + 1] = b;
    }
    own.forEach((value, k) => {
      const at = block * size + k;
      let best = 0;
      all.forEach((each, code) => {
        const far = (c: number): number => Math.abs(s * c + b - value);
        if (far(each) < far(all[best]!)) best = code;
      });
      words[Math.floor((at * bits) / 32)]! |= best << ((at * bits) % 32);
    });
  }
  return new Uint8Array(words.buffer);
}
