// Pictures as bytes.

import { TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';

/** A picture as bytes, row by row from the top, the channels of a pixel side by side. */
export interface RawImage {
  /** Rows from the top, pixels from the left, channels side by side: height · width · channels values, 0 to 255. */
  data: Uint8Array | Uint8ClampedArray;
  /** Pixels. */
  width: number;
  /** Rows of pixels. */
  height: number;
  /** Grey; grey and opacity; red, green, blue; or these and opacity. */
  channels: 1 | 2 | 3 | 4;
}

/** The same, or an `ImageData`, which has four channels. */
type PixelData = Omit<RawImage, 'channels'> & Partial<Pick<RawImage, 'channels'>>;

/** A picture as kernels take it. */
export interface Pixels {
  /** (height, width): red, green and blue, each a byte from the lowest on */
  readonly words: Uint32Array<ArrayBuffer>;
  readonly height: number;
  readonly width: number;
}

/**
 * Opacity is left out, and grey counts as three equal colours, as in Pillow's `convert('RGB')`.
 * Errors: INPUT_INVALID.
 */
export function pixelsOf({ data, width, height, channels = 4 }: PixelData): Pixels {
  for (const [name, value] of Object.entries({ width, height })) {
    if (Number.isSafeInteger(value) && value > 0) continue;
    throw invalid(`${name} is ${show(value)}; wanted a whole number of at least 1`);
  }
  if (![1, 2, 3, 4].includes(channels)) {
    throw invalid(`channels is ${show(channels)}; wanted 1, 2, 3 or 4`);
  }
  const size = width * height;
  if (data.length !== size * channels) {
    throw invalid(
      `data has ${data.length} bytes, but ${width} × ${height} pixels of ${channels} channels are ` +
        `${size * channels}`,
    );
  }
  const words = new Uint32Array(size);
  const isGrey = channels < 3;
  for (let i = 0, at = 0; i < size; i++, at += channels) {
    const red = data[at] ?? 0;
    const green = isGrey ? red : (data[at + 1] ?? 0);
    const blue = isGrey ? red : (data[at + 2] ?? 0);
    words[i] = red | (green << 8) | (blue << 16);
  }
  return { words, height, width };
}

function invalid(what: string): TransformerError {
  return new TransformerError(
    'INPUT_INVALID',
    `The image's ${what}. Pass { data, width, height, channels } that fit.`,
  );
}

/** Pillow's grey of every pixel, `convert('L')`: ITU-R 601-2 in whole numbers, in the lowest byte. */
export function greyOf({ words, height, width }: Pixels): Pixels {
  const grey = words.map((word) => {
    const [red, green, blue] = [word & 255, (word >>> 8) & 255, (word >>> 16) & 255];
    return (red * 19_595 + green * 38_470 + blue * 7471 + 0x8000) >>> 16;
  });
  return { words: grey, height, width };
}
