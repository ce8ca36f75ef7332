// Blocks of GGUF as numbers, each type by the layout of its bytes in ggml-common.h.

import { float16ToFloat32 } from '../../src/source/float16.ts';
import { blocksReference, type Element } from './blocks.ts';
import {
  type Constants,
  type Inputs,
  integers,
  type Params,
  type Reference,
  scalar,
} from './twin.ts';

interface Weight {
  readonly q: number;
  readonly s: number;
  readonly b: number;
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

function half(bytes: readonly number[], at: number): number {
  return float16ToFloat32(Uint16Array.of(bytes[at]! | (bytes[at + 1]! << 8)))[0]!;
}

/** Bit fields of each byte: all bytes by their lowest field first, then all by the next. */
function fields(bytes: readonly number[], bits: number): number[] {
  const parts = range(8 / bits);
  return parts.flatMap((part) => bytes.map((byte) => (byte >> (part * bits)) & (2 ** bits - 1)));
}

/** The same, so many bytes at a time. */
function fieldsOf(bytes: readonly number[], bits: number, group: number): number[] {
  return range(bytes.length / group).flatMap((i) =>
    fields(bytes.slice(i * group, (i + 1) * group), bits),
  );
}

/** Blocks of 32: a scale, perhaps a minimum, perhaps fifth bits, then the codes. */
function small(bytes: readonly number[], hasMinimum: boolean, hasFifth: boolean): Weight[] {
  const start = hasMinimum ? 4 : 2;
  const [s, m] = [half(bytes, 0), hasMinimum ? half(bytes, 2) : undefined];
  const codes = fields(bytes.slice(hasFifth ? start + 4 : start), 4);
  const fifth = (i: number): number => (bytes[start + Math.floor(i / 8)]! >> (i % 8)) & 1;
  const all = codes.map((code, i) => (hasFifth ? code + 16 * fifth(i) : code));
  return all.map((q) => ({ q, s, b: m ?? -(hasFifth ? 16 : 8) * s }));
}

/** Eight scales and eight minima of 6 bits in 12 bytes. */
function sixBits(bytes: readonly number[]): { scales: number[]; minima: number[] } {
  const [d, m, both] = [bytes.slice(0, 4), bytes.slice(4, 8), bytes.slice(8, 12)];
  const low = (byte: number): number => byte % 64;
  const high = (byte: number): number => 16 * Math.floor(byte / 64);
  return {
    scales: [...d.map(low), ...both.map((byte, i) => (byte % 16) + high(d[i]!))],
    minima: [...m.map(low), ...both.map((byte, i) => Math.floor(byte / 16) + high(m[i]!))],
  };
}

const readers: Readonly<Record<number, (bytes: readonly number[]) => Weight[]>> = {
  2: (bytes) => small(bytes, false, false),
  3: (bytes) => small(bytes, true, false),
  6: (bytes) => small(bytes, false, true),
  7: (bytes) => small(bytes, true, true),
  8: (bytes) => {
    const s = half(bytes, 0);
    // Codes are stored with 128 more than the file's.
    return [...Int8Array.from(bytes.slice(2))].map((q) => ({ q: q + 128, s, b: -128 * s }));
  },
  10: (bytes) => {
    const [d, dmin] = [half(bytes, 80), half(bytes, 82)];
    return fieldsOf(bytes.slice(16, 80), 2, 32).map((q, i) => {
      const scale = bytes[Math.floor(i / 16)]!;
      return { q, s: d * (scale % 16), b: -dmin * Math.floor(scale / 16) };
    });
  },
  11: (bytes) => {
    const low = fields(bytes.slice(96, 104), 4);
    const high = fields(bytes.slice(104, 108), 2);
    const third = fields(bytes.slice(0, 32), 1);
    return fieldsOf(bytes.slice(32, 96), 2, 32).map((q, i) => {
      const part = Math.floor(i / 16);
      const s = half(bytes, 108) * (low[part]! + 16 * high[part]! - 32);
      return { q: q + 4 * third[i]!, s, b: -4 * s };
    });
  },
  12: (bytes) => {
    const { scales, minima } = sixBits(bytes.slice(4, 16));
    return fieldsOf(bytes.slice(16), 4, 32).map((q, i) => {
      const part = Math.floor(i / 32);
      return { q, s: half(bytes, 0) * scales[part]!, b: -half(bytes, 2) * minima[part]! };
    });
  },
  13: (bytes) => {
    const { scales, minima } = sixBits(bytes.slice(4, 16));
    const fifth = fields(bytes.slice(16, 48), 1);
    return fieldsOf(bytes.slice(48), 4, 32).map((q, i) => {
      const part = Math.floor(i / 32);
      const own = q + 16 * fifth[i]!;
      return { q: own, s: half(bytes, 0) * scales[part]!, b: -half(bytes, 2) * minima[part]! };
    });
  },
  14: (bytes) => {
    const high = fieldsOf(bytes.slice(128, 192), 2, 32);
    const scales = Int8Array.from(bytes.slice(192, 208));
    return fieldsOf(bytes.slice(0, 128), 4, 64).map((q, i) => {
      const s = half(bytes, 208) * scales[Math.floor(i / 16)]!;
      return { q: q + 16 * high[i]!, s, b: -32 * s };
    });
  },
};

/** The numbers of a block of a type, by its number in ggml. */
function ggufWeights(type: number, bytes: readonly number[]): Weight[] {
  const read = readers[type];
  if (read === undefined) throw new RangeError(`${type} is no type of blocks`);
  return read(bytes);
}

function written(inputs: Inputs, params: Params, constants: Constants): Element[] {
  const bytes = new Uint8Array(Uint32Array.from(integers(inputs, 'packed')).buffer);
  const [blockElements, blockBytes] = [scalar(params, 'elements'), scalar(params, 'bytes')];
  const columns = scalar(params, 'row_blocks') * Number(constants['SIZE']);
  return range(scalar(params, 'count')).flatMap((row) => {
    const first = ((scalar(params, 'first') + row) * columns) / blockElements;
    const weights = range(columns / blockElements).flatMap((i) => {
      const start = (first + i) * blockBytes;
      return ggufWeights(Number(constants['TYPE']), [...bytes.subarray(start, start + blockBytes)]);
    });
    const place = (scalar(params, 'place') + row) * columns;
    return weights.map(({ q, s, b }, i) => ({
      at: place + i,
      value: s * q + b,
      size: Math.abs(s * q) + Math.abs(b),
    }));
  });
}

// Codes are copied; s and b are products of few bits.
export const unpackGguf: Reference = blocksReference(written);
