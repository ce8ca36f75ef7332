// Files of pictures as pixels: browsers decode them; other platforms register how.

import { type ErrorCode, TransformerError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { messageOf } from '../runtime/print.ts';
import { bitmapPixels } from './bitmap-pixels.ts';
import { type Pixels, pixelsOf, type RawImage } from './pixels.ts';

/** Decodes a file of a picture, upright as its orientation by EXIF says. `name` is for messages. */
export type DecodeImage = (bytes: Uint8Array, name: string) => Promise<RawImage>;

let decodeImage: DecodeImage | undefined;

/** Registers how a platform decodes pictures. */
export function registerImageDecoder(own: DecodeImage): void {
  decodeImage = own;
}

/** Errors: FILE_INVALID for what is no picture; those of the GPU. */
export async function decodedPixels(gpu: Gpu, bytes: Uint8Array, name: string): Promise<Pixels> {
  if (bytes.length === 0) throw new TransformerError('FILE_INVALID', `${name} is empty.`);
  if (decodeImage !== undefined) return pixelsOf(await decodeImage(bytes, name));
  return browserPixels(gpu, new Blob([Uint8Array.from(bytes)]), name, 'FILE_INVALID');
}

/**
 * The pixels of whatever a browser can make a bitmap of, upright, with the numbers that the file has: no profile
 * of colours is applied, as none is in Python. Errors: `code`.
 */
export async function browserPixels(
  gpu: Gpu,
  source: ImageBitmapSource,
  name: string,
  code: ErrorCode,
): Promise<Pixels> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(source, {
      premultiplyAlpha: 'none',
      colorSpaceConversion: 'none',
    });
  } catch (cause) {
    throw new TransformerError(
      code,
      `${name} cannot be decoded as a picture: ${messageOf(cause)}. Pass a whole PNG, JPEG or WebP file, or ` +
        'an image that is loaded.',
      { cause },
    );
  }
  try {
    return await bitmapPixels(gpu, bitmap);
  } finally {
    bitmap.close();
  }
}
