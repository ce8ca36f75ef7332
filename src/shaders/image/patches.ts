// Images cut into patches.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';
import type { Scalars, Traced } from '../traces.ts';

/** The scalars there and back. */
export const patchesParams = {
  images: 'u32',
  channels: 'u32',
  height: 'u32',
  width: 'u32',
  patch_height: 'u32',
  patch_width: 'u32',
} as const;

const patchesKernel = kernel({
  name: 'patches',
  code: [workgroup, { file: 'patches.wgsl', text: late(() => import('./patches.wgsl?raw')) }],
  bindings: { pixels: 'read', y: 'write' },
  params: patchesParams,
});

export const patchKernels: readonly Kernel[] = [patchesKernel];

export type PatchesEntry = Traced<
  'patches',
  { readonly pixels: Tensor; readonly params: Scalars<typeof patchesParams> }
>;

/** Height and width, in pixels or in patches. */
export type ImageSize = readonly [height: number, width: number];

/** How many patches there are down and across; what is left at the edges belongs to none. */
export function patchGrid([height, width]: ImageSize, [tall, wide]: ImageSize): ImageSize {
  return [Math.floor(height / tall), Math.floor(width / wide)];
}

/**
 * pixels (B, C, H, W) to (B, N, C · h · w), the N patches of h × w pixels row by row: what the weight of a
 * convolution (out, C, h, w) with this stride is multiplied by.
 */
export function patches(pixels: Tensor, size: ImageSize): Tensor {
  const [images = 0, channels = 0, height = 0, width = 0] = pixels.shape;
  const [down, across] = patchGrid([height, width], size);
  const [patch_height, patch_width] = size;
  const columns = channels * patch_height * patch_width;
  const shape = [images, down * across, columns];
  const y = pixels.recording.transient(`patches of ${pixels.label}`, shape);
  const params = { images, channels, height, width, patch_height, patch_width };
  pixels.recording.dispatch({
    kernel: patchesKernel,
    bindings: { pixels, y },
    params,
    workgroups: Math.ceil((images * down * across * columns) / 64),
  });
  pixels.recording.differentiate({
    op: 'patches',
    output: y,
    inputs: [pixels],
    trace: { pixels, params },
  } satisfies PatchesEntry);
  return y;
}
