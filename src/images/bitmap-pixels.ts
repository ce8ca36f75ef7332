// The pixels of what browsers hold pictures in.

import { TEXTURE_COPY_DST, TEXTURE_COPY_SRC, TEXTURE_RENDER } from '../runtime/constants.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { readBack } from '../runtime/read-back.ts';
import { Scope } from '../runtime/scope.ts';
import type { Pixels } from './pixels.ts';

/** Rows of a texture are copied to multiples of so many pixels, which are 256 bytes. */
const ROW = 64;
/** The side of a tile at most: it fits into textures and buffers of every device. */
const TILE = 4096;

interface Tile {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * The pixels of a bitmap, tile by tile, by way of a texture: a canvas would lose the colours of what is
 * transparent. Errors: those of the GPU.
 */
export async function bitmapPixels(gpu: Gpu, bitmap: ImageBitmap): Promise<Pixels> {
  const { width, height } = bitmap;
  const words = new Uint32Array(width * height);
  for (let y = 0; y < height; y += TILE) {
    for (let x = 0; x < width; x += TILE) {
      const [wide, tall] = [Math.min(TILE, width - x), Math.min(TILE, height - y)];
      const tile = { x, y, width: wide, height: tall };
      const pitch = Math.ceil(wide / ROW) * ROW;
      const copied = await tilePixels(gpu, bitmap, tile, pitch);
      for (let row = 0; row < tall; row++) {
        words.set(copied.subarray(row * pitch, row * pitch + wide), (y + row) * width + x);
      }
    }
  }
  return { words, height, width };
}

/** (height, pitch) */
async function tilePixels(
  gpu: Gpu,
  bitmap: ImageBitmap,
  { x, y, width, height }: Tile,
  pitch: number,
): Promise<Uint32Array> {
  const scope = new Scope(gpu);
  const texture = gpu.device.createTexture({
    size: [width, height],
    format: 'rgba8unorm',
    usage: TEXTURE_COPY_SRC | TEXTURE_COPY_DST | TEXTURE_RENDER,
  });
  try {
    const pixels = scope.tensor({ label: 'picture', shape: [height, pitch], dtype: 'u32' });
    const { queue } = gpu.device;
    queue.copyExternalImageToTexture({ source: bitmap, origin: [x, y] }, { texture }, [
      width,
      height,
    ]);
    const encoder = gpu.device.createCommandEncoder({ label: 'picture' });
    if (pixels.buffer !== undefined) {
      const to = { buffer: pixels.buffer, bytesPerRow: 4 * pitch };
      encoder.copyTextureToBuffer({ texture }, to, [width, height]);
    }
    queue.submit([encoder.finish()]);
    const [bytes = new ArrayBuffer(0)] = await readBack(scope, [pixels]);
    return new Uint32Array(bytes);
  } finally {
    texture.destroy();
    scope.dispose();
  }
}
