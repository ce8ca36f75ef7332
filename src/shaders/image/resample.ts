// Pictures of another size, as Pillow makes them.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';
import type { ImageSize } from './patches.ts';

const resampleKernel = kernel({
  name: 'resample',
  code: [workgroup, { file: 'resample.wgsl', text: late(() => import('./resample.wgsl?raw')) }],
  bindings: { pixels: 'read', windows: 'read', weights: 'read', y: 'write' },
  params: { width: 'u32', height: 'u32', source_width: 'u32', taps: 'u32' },
  constants: { DOWN: [false, true] },
});

export const resampleKernels: readonly Kernel[] = [resampleKernel];

/** Filters that pictures are resampled by. */
export type ImageFilter = 'box' | 'bilinear' | 'hamming' | 'bicubic' | 'lanczos';

/** The weight of a pixel so far away, and how far it reaches (Resample.c of Pillow). */
const filters: Readonly<
  Record<ImageFilter, readonly [reach: number, weight: (x: number) => number]>
> = {
  box: [0.5, (x) => (x > -0.5 && x <= 0.5 ? 1 : 0)],
  bilinear: [1, (x) => Math.max(0, 1 - Math.abs(x))],
  hamming: [1, (x) => (Math.abs(x) >= 1 ? 0 : sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x)))],
  bicubic: [2, cubic],
  lanczos: [3, (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0)],
};

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Keys, 1981, "Cubic Convolution Interpolation for Digital Image Processing", a = -0.5. */
function cubic(distance: number): number {
  const [x, a] = [Math.abs(distance), -0.5];
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/** What the samples of an axis are made of. */
export interface Resampling {
  /** u32 (samples, 2): the first pixel of each, and how many there are */
  readonly windows: Uint32Array<ArrayBuffer>;
  /** i32 (samples, taps), as words: 22 bits behind the point */
  readonly weights: Int32Array<ArrayBuffer>;
  readonly taps: number;
}

/** How `to` samples are made of `from` pixels. A filter is as wide as what a sample stands for. */
export function resampling(from: number, to: number, filter: ImageFilter): Resampling {
  const [reach, weightAt] = filters[filter];
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const support = reach * stretch;
  const taps = 2 * Math.ceil(support) + 1;
  const windows = new Uint32Array(2 * to);
  const weights = new Int32Array(to * taps);
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(from, Math.trunc(center + support + 0.5));
    const own = Array.from({ length: end - first }, (_, tap) =>
      weightAt((tap + first - center + 0.5) / stretch),
    );
    const sum = own.reduce((total, weight) => total + weight, 0);
    windows.set([first, end - first], 2 * i);
    own.forEach((weight, tap) => {
      const share = (sum === 0 ? weight : weight / sum) * 2 ** 22;
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
