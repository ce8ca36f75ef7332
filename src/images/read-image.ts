// From what people have of a picture to its pixels.

import { fieldOf, isA, throwIfAborted, TransformerError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { Platform } from '../runtime/platform-types.ts';
import { type FileInput, isFileInput, nameOf, readBytes } from '../source/read-bytes.ts';
import { browserPixels, decodedPixels } from './decode.ts';
import { type Pixels, pixelsOf, type RawImage } from './pixels.ts';

/**
 * A picture: a file (its path in Node, URL, `Blob`, `File` or bytes), what a page draws or shows (`<img>`,
 * `<canvas>`, `<video>`, `ImageBitmap`, `ImageData`, `VideoFrame`), or bare pixels. Orientation by EXIF counts;
 * opacity does not, as in Python's pipelines.
 */
export type ImageInput =
  | FileInput
  | RawImage
  | Platform<'HTMLCanvasElement'>
  | Platform<'HTMLImageElement'>
  | Platform<'HTMLVideoElement'>
  | Platform<'ImageBitmap'>
  | Platform<'ImageData'>
  | Platform<'OffscreenCanvas'>
  | Platform<'VideoFrame'>;

/** Errors: FILE_* for files, INPUT_INVALID for what is no picture or an empty one, those of the GPU. */
export async function readImage(
  gpu: Gpu,
  input: ImageInput,
  signal: AbortSignal | undefined,
): Promise<Pixels> {
  throwIfAborted(signal);
  if (isFileInput(input)) {
    const bytes = await readBytes(input, signal);
    throwIfAborted(signal);
    return decodedPixels(gpu, bytes, nameOf(input));
  }
  if (isRaw(input)) return pixelsOf(input);
  if (typeof createImageBitmap !== 'undefined' && isObject(input)) {
    return browserPixels(gpu, input, 'The image', 'INPUT_INVALID');
  }
  let got = `of type ${typeof input}`;
  if (isObject(input)) got = 'an object of another kind';
  if ((input ?? undefined) === undefined) got = 'missing or null';
  throw new TransformerError(
    'INPUT_INVALID',
    `The image is ${got}; wanted a file (path, URL, Blob or bytes), what a page shows or draws, or ` +
      '{ data, width, height, channels }.',
  );
}

const isObject = (input: unknown): input is object => typeof input === 'object' && input !== null;

/** Bare pixels, those of an `ImageData` among them. */
function isRaw(input: ImageInput): input is RawImage | ImageData {
  const data = fieldOf(input, 'data');
  return isA(data, Uint8Array) || isA(data, Uint8ClampedArray);
}
