// Pictures of another size, as Pillow makes them.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';
import { filteredSamples, type ImageFilter, type SampleRange } from './filters.ts';
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

/** How `to` samples are made of `from` pixels, in whole numbers; of these samples `range` alone. */
export function resampling(
  from: number,
  to: number,
  filter: ImageFilter,
  range?: SampleRange,
): Resampling {
  const samples = filteredSamples(from, to, filter, range);
  const taps = samples.reduce((most, { weights }) => Math.max(most, weights.length), 0);
  const windows = new Uint32Array(2 * samples.length);
  const weights = new Int32Array(samples.length * taps);
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
 * 13 makes of them, or the part of that whose samples there are. Axes that stay as long are left alone.
 */
export function resize(pixels: Tensor, size: ImageSize, { down, across }: ResizeTensors): Tensor {
  const [height = 0, width = 0] = pixels.shape;
  const passes = [
    (from: Tensor) => across && resample(from, across, false),
    (from: Tensor) => down && resample(from, down, true),
  ];
  if (downFirst([height, width], size)) passes.reverse();
  return passes.reduce((from, pass) => pass(from) ?? from, pixels);
}

/** One pass, along the columns where `isDown`. */
function resample(
  pixels: Tensor,
  { windows, weights }: ResamplingTensors,
  isDown: boolean,
): Tensor {
  const [tall = 0, wide = 0] = pixels.shape;
  const samples = windows.size(0);
  const size = isDown ? [samples, wide] : [tall, samples];
  const [height = 0, width = 0] = size;
  const y = pixels.recording.transient(`${pixels.label}, resampled`, size, 'u32');
  pixels.recording.dispatch({
    kernel: resampleKernel,
    bindings: { pixels, windows, weights, y },
    params: { width, height, source_width: wide, taps: weights.size(1) },
    constants: { DOWN: isDown },
    workgroups: Math.ceil((width * height) / 64),
  });
  return y;
}
