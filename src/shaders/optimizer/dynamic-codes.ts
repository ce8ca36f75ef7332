// What the codes of dynamic-codes.wgsl stand for, in blocks as `adam8bit` holds its states: for files.

/** Elements that share a scale. */
export const blockSize = 64;

/** m and v of some elements, blocks of 64 one after the other, in f32. */
export interface Moments {
  readonly m: Float32Array<ArrayBuffer>;
  readonly v: Float32Array<ArrayBuffer>;
}

/** The same as `adam8bit` holds them: a byte an element, and the greatest m and v of each block. */
export interface MomentCodes {
  readonly m: Uint8Array<ArrayBuffer>;
  readonly v: Uint8Array<ArrayBuffer>;
  readonly scales: Float32Array<ArrayBuffer>;
}

/** The middle of a code's part of its decade, of which the lowest one has `least`. */
function levelOf(code: number, least: number): number {
  if (code === 0) return 0;
  const place = code + least - 1;
  const decade = Math.floor(Math.log2(place / least));
  const parts = least * 2 ** decade;
  return (0.1 + (0.9 * (place - parts + 0.5)) / parts) * 10 ** (decade - 6);
}

const signed = Array.from({ length: 128 }, (_, code) => (code === 127 ? 1 : levelOf(code, 1)));
const unsigned = Array.from({ length: 256 }, (_, code) => (code === 255 ? 1 : levelOf(code, 2)));

/** What codes stand for. */
export function decodeMoments({ m, v, scales }: MomentCodes): Moments {
  const scaleOf = (i: number, which: 0 | 1): number =>
    scales[2 * Math.floor(i / blockSize) + which] ?? 0;
  return {
    m: Float32Array.from(m, (code, i) => {
      const level = signed[code & 127] ?? 0;
      return scaleOf(i, 0) * (code > 127 ? -level : level);
    }),
    v: Float32Array.from(v, (code, i) => scaleOf(i, 1) * (unsigned[code] ?? 0)),
  };
}

/** The codes of numbers that came of codes: those same ones. */
export function encodeMoments({ m, v }: Moments): MomentCodes {
  const codes = {
    m: new Uint8Array(m.length),
    v: new Uint8Array(v.length),
    scales: new Float32Array((2 * m.length) / blockSize),
  };
  for (let first = 0; first < m.length; first += blockSize) {
    const greatest = (values: Float32Array): number =>
      values
        .subarray(first, first + blockSize)
        .reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const scales = [greatest(m), greatest(v)] as const;
    codes.scales.set(scales, (2 * first) / blockSize);
    for (let i = first; i < first + blockSize; i++) {
      const size = m[i] ?? 0;
      const code = nearest(signed, Math.abs(size) / (scales[0] || 1));
      codes.m[i] = code + (size < 0 && code > 0 ? 128 : 0);
      codes.v[i] = nearest(unsigned, (v[i] ?? 0) / (scales[1] || 1));
    }
  }
  return codes;
}

/** The place of the level that is nearest, among levels that rise. */
function nearest(levels: readonly number[], value: number): number {
  let [low, high] = [0, levels.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((levels[middle] ?? 0) <= value) low = middle;
    else high = middle;
  }
  return value - (levels[low] ?? 0) < (levels[high] ?? 0) - value ? low : high;
}
