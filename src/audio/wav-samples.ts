// How the samples of a WAVE file are stored.

export interface SampleFormat {
  /** The number of the format. */
  readonly tag: number;
  /** Of a sample, and the bytes that it takes. */
  readonly bits: number;
  readonly bytes: number;
}

/** A sample at a byte, from -1 to 1. */
export type SampleReader = (view: DataView, at: number) => number;

/** Whole numbers by the bytes they take; fewer bits are the upper ones of these. */
const wholes: Readonly<Record<number, SampleReader>> = {
  1: (view, at) => (view.getUint8(at) - 128) / 2 ** 7,
  2: (view, at) => view.getInt16(at, true) / 2 ** 15,
  3: (view, at) => (view.getInt16(at + 1, true) * 2 ** 8 + view.getUint8(at)) / 2 ** 23,
  4: (view, at) => view.getInt32(at, true) / 2 ** 31,
};

const floats: Readonly<Record<number, SampleReader>> = {
  4: (view, at) => view.getFloat32(at, true),
  8: (view, at) => view.getFloat64(at, true),
};

/** How samples of a format are read; undefined for one that is not known. */
export function sampleReader({ tag, bits, bytes }: SampleFormat): SampleReader | undefined {
  const fits = bits > 0 && bits <= 8 * bytes;
  if (tag === 1) return fits ? wholes[bytes] : undefined;
  if (tag === 3) return bits === 8 * bytes ? floats[bytes] : undefined;
  if (bytes !== 1) return undefined;
  if (tag === 6) return (view, at) => aLaw(view.getUint8(at));
  return tag === 7 ? (view, at) => muLaw(view.getUint8(at)) : undefined;
}

/** ITU-T G.711, A-law: sign, exponent and 4 bits, every second bit the other way round. */
function aLaw(byte: number): number {
  const code = byte ^ 0x55;
  const [exponent, low] = [(code >> 4) & 7, code & 15];
  const size = exponent === 0 ? 16 * low + 8 : (16 * low + 264) * 2 ** (exponent - 1);
  return (code & 0x80 ? size : -size) / 2 ** 15;
}

/** ITU-T G.711, µ-law: sign, exponent and 4 bits, all the other way round. */
function muLaw(byte: number): number {
  const code = byte ^ 0xff;
  const size = (8 * (code & 15) + 132) * 2 ** ((code >> 4) & 7) - 132;
  return (code & 0x80 ? -size : size) / 2 ** 15;
}
