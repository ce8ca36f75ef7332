import { expect, test } from 'vitest';
import {
  asFloat32,
  asUint16,
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
} from '../../src/source/float16.ts';
import { expectError } from '../support/safetensors.ts';

const allPatterns = Uint16Array.from({ length: 65536 }, (_, i) => i);

/** The value of a binary16 pattern by its definition (IEEE 754-2019, section 3.4). */
function valueOfHalf(bits: number): number {
  const sign = bits >= 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -14 : sign * (1 + fraction) * 2 ** (exponent - 15);
}

function bitsOf(value: number): number {
  return new DataView(new Float32Array([value]).buffer).getUint32(0, true);
}

function fromBits(bits: number): number {
  return new Float32Array(new Uint32Array([bits]).buffer)[0]!;
}

/** Index and both sides of each difference; prints less than two arrays of 65536. */
function differences(got: ArrayLike<number>, wanted: ArrayLike<number>): unknown[] {
  expect(got.length).toBe(wanted.length);
  const found: unknown[] = [];
  for (let i = 0; i < got.length && found.length < 5; i++) {
    if (!Object.is(got[i], wanted[i])) found.push({ i, got: got[i], wanted: wanted[i] });
  }
  return found;
}

test('every binary16 pattern widens to the value its definition gives', () => {
  expect(differences(float16ToFloat32(allPatterns), Array.from(allPatterns, valueOfHalf))).toEqual(
    [],
  );
});

test('every 16-bit pattern survives widening and rounding, NaN payloads included', () => {
  expect(differences(float32ToFloat16(float16ToFloat32(allPatterns)), allPatterns)).toEqual([]);
  expect(differences(float32ToBfloat16(bfloat16ToFloat32(allPatterns)), allPatterns)).toEqual([]);
});

test('values computed by hand round to the right binary16', () => {
  const cases = [
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [0.1, 0x2e66],
    [1 / 3, 0x3555],
    [65504, 0x7bff],
    [65519.996, 0x7bff],
    [65520, 0x7c00],
    [65536, 0x7c00],
    [3.4028234663852886e38, 0x7c00],
    [-1e6, 0xfc00],
    [Infinity, 0x7c00],
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [2 ** -25 * (1 + 2 ** -23), 0x0001],
    [-(2 ** -25) * (1 + 2 ** -23), 0x8001],
    [3 * 2 ** -25, 0x0002],
    [2 ** -149, 0x0000],
  ] as const;
  const got = float32ToFloat16(Float32Array.from(cases, ([value]) => value));
  expect(Array.from(got)).toEqual(cases.map(([, bits]) => bits));
});

test('between any two binary16 neighbours the nearer wins, and the even one in the middle', () => {
  const values: number[] = [];
  const wanted: number[] = [];
  for (let lower = 0; lower < 0x7bff; lower++) {
    const middle = (valueOfHalf(lower) + valueOfHalf(lower + 1)) / 2;
    const bits = bitsOf(middle);
    expect(fromBits(bits)).toBe(middle);
    for (const sign of [0, 0x8000]) {
      const direction = sign === 0 ? 1 : -1;
      values.push(
        direction * fromBits(bits - 1),
        direction * middle,
        direction * fromBits(bits + 1),
      );
      wanted.push(sign | lower, sign | (lower + (lower & 1)), sign | (lower + 1));
    }
  }
  expect(differences(float32ToFloat16(Float32Array.from(values)), wanted)).toEqual([]);
});

test('bfloat16 rounds to nearest, ties to even, up to infinity', () => {
  const words: number[] = [];
  const wanted: number[] = [];
  for (const sign of [0, 0x8000]) {
    for (let upper = 0; upper < 0x7f80; upper++) {
      const word = (sign | upper) * 65536;
      words.push(word, word + 0x7fff, word + 0x8000, word + 0x8001, word + 0xffff);
      const above = sign | (upper + 1);
      const even = upper % 2 === 0 ? sign | upper : above;
      wanted.push(sign | upper, sign | upper, even, above, above);
    }
  }
  const values = new Float32Array(Uint32Array.from(words).buffer);
  expect(differences(float32ToBfloat16(values), wanted)).toEqual([]);
  const byHand = float32ToBfloat16(new Float32Array([1, 0.1, Math.PI, -0, 3.4e38]));
  expect(Array.from(byHand)).toEqual([0x3f80, 0x3dcd, 0x4049, 0x8000, 0x7f80]);
});

test('a NaN whose payload lies in the lost bits stays a NaN', () => {
  const words = Uint32Array.of(0x7f800001, 0xff800001, 0x7fc00000, 0x7f801fff);
  const values = new Float32Array(words.buffer);
  expect(float16ToFloat32(float32ToFloat16(values)).every(Number.isNaN)).toBe(true);
  expect(bfloat16ToFloat32(float32ToBfloat16(values)).every(Number.isNaN)).toBe(true);
  expect(float32ToFloat16(values)[1]! >= 0x8000).toBe(true);
});

test('a part of a longer array converts without touching the rest', () => {
  const long = new Float32Array([9, 1, -2, 9]);
  expect(Array.from(float32ToFloat16(long.subarray(1, 3)))).toEqual([0x3c00, 0xc000]);
  expect(Array.from(float32ToBfloat16(long.subarray(1, 3)))).toEqual([0x3f80, 0xc000]);
});

test('bytes become elements: a view where aligned, a copy where not', async () => {
  const bytes = Uint8Array.of(0, 0, 0, 0x80, 0x3f, 0, 0x40);
  const aligned = bytes.subarray(4, 6);
  expect(asUint16(aligned).buffer).toBe(bytes.buffer);
  expect(Array.from(asUint16(aligned))).toEqual([0x003f]);
  const unaligned = bytes.subarray(1, 5);
  expect(asFloat32(unaligned).buffer).not.toBe(bytes.buffer);
  expect(Array.from(asFloat32(unaligned))).toEqual([1]);
  expect(Array.from(asUint16(unaligned))).toEqual([0, 0x3f80]);
  expect(asFloat32(new Uint8Array(0))).toHaveLength(0);
  await expectError(() => asUint16(bytes.subarray(0, 3)), 'INPUT_INVALID', '3 bytes', '2-byte');
  await expectError(() => asFloat32(bytes.subarray(0, 6)), 'INPUT_INVALID', '6 bytes', '4-byte');
});
