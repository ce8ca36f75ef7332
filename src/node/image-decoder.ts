// Pictures in Node, decoded by sharp, an optional peer: files of every common format, upright.

import type sharp from 'sharp';
import type { RawImage } from '../images/pixels.ts';
import { TransformerError } from '../runtime/errors.ts';
import { messageOf } from '../runtime/print.ts';

/**
 * The numbers that the file has: no profile of colours is applied, as in Pillow. 16 bits become the upper 8; of
 * pictures that move the first counts. Errors: FILE_INVALID; MODEL_UNSUPPORTED without sharp.
 */
export async function decodeImage(bytes: Uint8Array, name: string): Promise<RawImage> {
  const open = await loadSharp();
  try {
    const { data, info } = await open(bytes, {
      ignoreIcc: true,
      failOn: 'truncated',
    })
      .autoOrient()
      .removeAlpha()
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    return { data, width, height, channels };
  } catch (cause) {
    throw new TransformerError(
      'FILE_INVALID',
      `${name} cannot be decoded as a picture: ${messageOf(cause)}. Pass a whole PNG, JPEG, WebP, GIF, AVIF or TIFF file.`,
      { cause },
    );
  }
}

async function loadSharp(): Promise<typeof sharp> {
  try {
    const { default: open } = await import('sharp');
    return open;
  } catch (cause) {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      'Node decodes pictures by the package "sharp", which could not be loaded: npm install sharp. Or pass ' +
        '{ data, width, height, channels }, which needs none.',
      { cause },
    );
  }
}
