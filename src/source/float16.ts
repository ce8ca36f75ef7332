// The 16-bit floats of checkpoints, widened to and rounded from 32 bits by bit patterns, so that a NaN
// keeps its payload; and 64-bit floats, rounded to 32. Files are little-endian, and so is every machine
// that has WebGPU.

import { TransformerError } from '../runtime/errors.ts';

/** 2^-24, the smallest subnormal of binary16. */
const SUBNORMAL = 2 ** -24;

/** Adding and taking away 2^52 rounds a double below 2^51 to the nearest even integer. */
const ROUND = 2 ** 52;

/**
 * Widens IEEE 754 binary16 to binary32; exact for every pattern.
 * @param bits n patterns of 16 bits
 * @returns n values
 */
export function float16ToFloat32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(bits.length);
  const words = new Uint32Array(values.buffer);
  for (let i = 0; i < bits.length; i++) {
    const half = bits[i] ?? 0;
    const magnitude = half & 0x7fff;
    const sign = (half & 0x8000) << 16;
    if (magnitude >= 0x7c00) {
      words[i] = sign | 0x7f800000 | ((magnitude & 0x3ff) << 13);
    } else if (magnitude >= 0x400) {
      // The exponent bias goes from 15 to 127: 112 more.
      words[i] = sign | ((magnitude << 13) + (112 << 23));
    } else {
      values[i] = sign === 0 ? magnitude * SUBNORMAL : -magnitude * SUBNORMAL;
    }
  }
  return values;
}

/**
 * Rounds binary32 to IEEE 754 binary16: to nearest, ties to even. From 65520 on it is infinity,
 * at and below 2^-25 zero; signs are kept and NaN stays NaN.
 * @param values n values
 * @returns n patterns of 16 bits
 */
export function float32ToFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const word = words[i] ?? 0;
    const magnitude = word & 0x7fffffff;
    let half: number;
    if (magnitude > 0x7f800000) {
      half = 0x7c00 | ((magnitude >>> 13) & 0x3ff || 0x200);
    } else if (magnitude >= 0x47800000) {
      half = 0x7c00;
    } else if (magnitude >= 0x38800000) {
      // Half a unit, less one when the kept part is even; a carry moves into the exponent.
      half = (magnitude - (112 << 23) + 0xfff + ((magnitude >>> 13) & 1)) >>> 13;
    } else {
      half = Math.abs(values[i] ?? 0) / SUBNORMAL + ROUND - ROUND;
    }
    bits[i] = ((word >>> 16) & 0x8000) | half;
  }
  return bits;
}

/**
 * Widens bfloat16, the upper half of binary32; exact for every pattern.
 * @param bits n patterns of 16 bits
 * @returns n values
 */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = (bits[i] ?? 0) << 16;
  return new Float32Array(words.buffer);
}

/**
 * Rounds binary32 to bfloat16: to nearest, ties to even; NaN stays NaN.
 * @param values n values
 * @returns n patterns of 16 bits
 */
export function float32ToBfloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const word = words[i] ?? 0;
    const upper = word >>> 16;
    if ((word & 0x7fffffff) > 0x7f800000) {
      bits[i] = (upper & 0x7f) === 0 ? upper | 0x40 : upper;
    } else {
      bits[i] = (word + 0x7fff + (upper & 1)) >>> 16;
    }
  }
  return bits;
}

/**
 * The bytes as 16-bit patterns: a view where the address allows it, else a copy.
 * Throws `INPUT_INVALID` when the length is odd.
 */
export function asUint16(bytes: Uint8Array): Uint16Array {
  const aligned = alignedTo(bytes, 2);
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.length / 2);
}

/**
 * The bytes as 32-bit floats: a view where the address allows it, else a copy.
 * Throws `INPUT_INVALID` when the length is no multiple of 4.
 */
export function asFloat32(bytes: Uint8Array): Float32Array {
  const aligned = alignedTo(bytes, 4);
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
}

/** Binary64 rounded to binary32, to nearest, ties to even. Bytes as for `asFloat32`, 8 a value. */
export function float64ToFloat32(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const aligned = alignedTo(bytes, 8);
  return new Float32Array(new Float64Array(aligned.buffer, aligned.byteOffset, aligned.length / 8));
}

/** The same bytes at an address that is a multiple of `width`; a copy only when they are not. */
function alignedTo(bytes: Uint8Array, width: number): Uint8Array {
  if (bytes.length % width !== 0) {
    throw new TransformerError(
      'INPUT_INVALID',
      `${bytes.length} bytes are no whole number of ${width}-byte elements. ` +
        'Pass pieces cut at element boundaries.',
    );
  }
  return bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
}
