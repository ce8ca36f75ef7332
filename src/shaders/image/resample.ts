// Pictures of another size, as Pillow makes them.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';
import { filteredSamples, type ImageFilter } from './filters.ts';
import type { ImageSize } from './patches.ts';

const resampleKernel = kernel({
  name: 'resample',
  code: [workgroup, { file: 'resample.wgsl', text: late(() => import('./resample.wgsl?raw')) }],
  bindings: { pixels: 'read', windows: 'read', weights: 'read', y: 'write' },
  params: { width: 'u32', height: 'u32', source_width: 'u32', taps: 'u32' },
  constants: { DOWN: [false, true] },
});

export const resampleKernels: readonly Kernel[] = [resampleKernel];

/** What the samples of an axis are made of. */
export interface Resampling {
  /** u32 (samples, 2): the first pixel of each, and how many there are */
  readonly windows: Uint32Array<ArrayBuffer>;
  /** i32 (samples, taps), as words: 22 bits behind the point */
  readonly weights: Int32Array<ArrayBuffer>;
  readonly taps: number;
}

/** How `to` samples are made of `from` pixels, in whole numbers. */
export function resampling(from: number, to: number, filter: ImageFilter): Resampling {
  const samples = filteredSamples(from, to, filter);
  const taps = samples.reduce((most, { weights }) => Math.max(most, weights.length), 0);
  const windows = new Uint32Array(2 * to);
  const weights = new Int32Array(to * taps);
  for (const [i, { first, weights: own }] of samples.entries()) {
    windows.set([first, own.length], 2 * i);
    own.forEach((weight, tap) => {
      const share = weight * 2 ** 22;
      weights[i * taps + tap] = Math.trunc(share + (share < 0 ? -0.5 : 0.5));
    });
  }
  return { windows, weights, taps };
}

/** A `Resampling` on the GPU. */
export interface ResamplingTensors {
  readonly windows: Tensor;
  readonly weights: Tensor;
}

/** One for each axis that changes. */
export interface ResizeTensors {
  readonly down?: ResamplingTensors | undefined;
  readonly across?: ResamplingTensors | undefined;
}

/** Whether columns are resampled before rows: Pillow 13 does so where that leaves far fewer pixels for the other. */
function downFirst([height, width]: ImageSize, [tall, wide]: ImageSize): boolean {
  return height - tall > 2 * Math.max(0, width - wide) && tall < height;
}

/**
 * pixels, u32 (height, width), of up to four channels of 8 bits each, as `size` pixels: to the byte what Pillow
 * 13 makes of them. Axes that stay as long are left alone.
 */
export function resize(pixels: Tensor, size: ImageSize, { down, across }: ResizeTensors): Tensor {
  const [height = 0, width = 0] = pixels.shape;
  const passes = [
    (from: Tensor) => across && resample(from, across, [from.size(0), size[1]], false),
    (from: Tensor) => down && resample(from, down, [size[0], from.size(1)], true),
  ];
  if (downFirst([height, width], size)) passes.reverse();
  return passes.reduce((from, pass) => pass(from) ?? from, pixels);
}

/** One pass, along the columns where `isDown`. Result: u32 of `size`. */
function resample(
  pixels: Tensor,
  { windows, weights }: ResamplingTensors,
  size: ImageSize,
  isDown: boolean,
): Tensor {
  const [height, width] = size;
  const y = pixels.recording.transient(`${pixels.label}, resampled`, size, 'u32');
  pixels.recording.dispatch({
    kernel: resampleKernel,
    bindings: { pixels, windows, weights, y },
    params: { width, height, source_width: pixels.size(1), taps: weights.size(1) },
    constants: { DOWN: isDown },
    workgroups: Math.ceil((width * height) / 64),
  });
  return y;
}
