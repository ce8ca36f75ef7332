// Pictures of bytes as the numbers that models take.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';

const pixelValuesKernel = kernel({
  name: 'pixel-values',
  code: [
    workgroup,
    { file: 'pixel-values.wgsl', text: late(() => import('./pixel-values.wgsl?raw')) },
  ],
  bindings: { pixels: 'read', values: 'read', y: 'write' },
  params: {
    channels: 'u32',
    height: 'u32',
    width: 'u32',
    source_height: 'u32',
    source_width: 'u32',
    top: 'u32',
    left: 'u32',
    image: 'u32',
  },
});

export const pixelValueKernels: readonly Kernel[] = [pixelValuesKernel];

/** Where the result lies in a picture; outside of it pixels are 0. */
export interface Crop {
  readonly top: number;
  readonly left: number;
}

/**
 * Writes image number `image` of y, (images, channels, height, width). pixels: u32 (rows, columns), up to four
 * channels of 8 bits. values: (channels, 256), what each byte becomes.
 */
export function pixelValues(
  { pixels, values, y }: { pixels: Tensor; values: Tensor; y: Tensor },
  { top, left }: Crop,
  image: number,
): void {
  const [, channels = 0, height = 0, width = 0] = y.shape;
  const [source_height = 0, source_width = 0] = pixels.shape;
  y.recording.dispatch({
    kernel: pixelValuesKernel,
    bindings: { pixels, values, y },
    params: {
      channels,
      height,
      width,
      source_height,
      source_width,
      top: top >>> 0,
      left: left >>> 0,
      image,
    },
    workgroups: Math.ceil((channels * height * width) / 64),
  });
}
