// Handwritten digits as bytes, and the file that the page brings: gray pictures of 28 × 28, as MNIST has them.

/** Pixels along a side. */
export const side = 28;
export const pixelsOf: number = side * side;

/** Gray values go into files as 4 bits, two pixels a byte, behind a byte for the label. */
const packedSize = 1 + pixelsOf / 2;

export interface Digits {
  readonly count: number;
  /** (count, 28, 28) from 0, paper, to 255, ink. */
  readonly pixels: Uint8Array;
  /** 0 to 9. */
  readonly labels: Uint8Array;
}

/** The picture of a digit: (28, 28). */
export function pictureOf({ pixels }: Digits, index: number): Uint8Array {
  return pixels.subarray(index * pixelsOf, (index + 1) * pixelsOf);
}

/** The digits that a test of their number keeps. */
export function selectDigits(digits: Digits, keep: (index: number) => boolean): Digits {
  const kept = Array.from({ length: digits.count }, (_, i) => i).filter(keep);
  const pixels = new Uint8Array(kept.length * pixelsOf);
  for (const [i, from] of kept.entries()) pixels.set(pictureOf(digits, from), i * pixelsOf);
  return {
    count: kept.length,
    pixels,
    labels: Uint8Array.from(kept, (from) => digits.labels[from] ?? 0),
  };
}

/** The digits of all parts, one after the other. */
export function joinDigits(parts: readonly Digits[]): Digits {
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const joined = { count, pixels: new Uint8Array(count * pixelsOf), labels: new Uint8Array(count) };
  let at = 0;
  for (const { pixels, labels, count: own } of parts) {
    joined.pixels.set(pixels, at * pixelsOf);
    joined.labels.set(labels, at);
    at += own;
  }
  return joined;
}

/** Digits as bytes of a file, which gzip makes small. */
export function packDigits(digits: Digits): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(digits.count * packedSize);
  for (let i = 0; i < digits.count; i++) {
    const picture = pictureOf(digits, i);
    const start = i * packedSize;
    bytes[start] = digits.labels[i] ?? 0;
    for (let at = 0; at < pixelsOf; at += 2) {
      const [left, right] = [picture[at] ?? 0, picture[at + 1] ?? 0];
      bytes[start + 1 + at / 2] = (Math.round(left / 17) << 4) | Math.round(right / 17);
    }
  }
  return bytes;
}

/** What `packDigits` wrote. */
export function unpackDigits(bytes: Uint8Array): Digits {
  const count = Math.floor(bytes.length / packedSize);
  const [pixels, labels] = [new Uint8Array(count * pixelsOf), new Uint8Array(count)];
  for (let i = 0; i < count; i++) {
    const start = i * packedSize;
    labels[i] = bytes[start] ?? 0;
    for (let at = 0; at < pixelsOf; at += 2) {
      const pair = bytes[start + 1 + at / 2] ?? 0;
      pixels[i * pixelsOf + at] = 17 * (pair >> 4);
      pixels[i * pixelsOf + at + 1] = 17 * (pair & 15);
    }
  }
  return { count, pixels, labels };
}

/** The digits of a file that `packDigits` and gzip wrote. */
export async function readDigits(file: Blob): Promise<Digits> {
  const stream = file.stream().pipeThrough(new DecompressionStream('gzip'));
  return unpackDigits(new Uint8Array(await new Response(stream).arrayBuffer()));
}
