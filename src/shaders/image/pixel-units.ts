// Perturbations of pixels, counted as pictures are seen and not as their values were normalized.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { workgroup } from '../snippets.ts';
import text from './pixel-units.wgsl?raw';

const unitsKernel = kernel({
  name: 'pixel-units',
  code: [workgroup, { file: 'pixel-units.wgsl', text }],
  bindings: { x: 'read', pixels: 'read', y: 'write' },
  params: {
    size: 'u32',
    channels: 'u32',
    area: 'u32',
    black_0: 'f32',
    black_1: 'f32',
    black_2: 'f32',
    white_0: 'f32',
    white_1: 'f32',
    white_2: 'f32',
  },
  constants: { SCALED: [false, true] },
});

export const pixelUnitsKernels: readonly Kernel[] = [unitsKernel];

/** What black and white are among pixel values, in each of one to three channels. */
export interface PixelRange {
  readonly black: readonly number[];
  readonly white: readonly number[];
}

/** x · (white - black), channel by channel of (B, C, H, W). It has no gradient. */
export function scalePixels(x: Tensor, range: PixelRange): Tensor {
  return inUnits(x, undefined, range);
}

/**
 * As much of a perturbation x of `pixels`, (B, C, H, W) both, as keeps them between black and white: x counts in parts of
 * the way from one to the other. Pixels that lie beyond come no farther. It has no gradient.
 */
export function keepPixels(x: Tensor, pixels: Tensor, range: PixelRange): Tensor {
  return inUnits(x, pixels, range);
}

function inUnits(x: Tensor, pixels: Tensor | undefined, { black, white }: PixelRange): Tensor {
  const { recording } = x;
  const [, channels = 1, height = 1, width = 1] = x.shape;
  const y = recording.transient('perturbation', x.shape);
  const size = elements(x.shape);
  const [black_0 = 0, black_1 = 0, black_2 = 0] = black;
  const [white_0 = 1, white_1 = 1, white_2 = 1] = white;
  const bounds = { black_0, black_1, black_2, white_0, white_1, white_2 };
  recording.dispatch({
    kernel: unitsKernel,
    bindings: { x, pixels, y },
    params: { size, channels, area: height * width, ...bounds },
    constants: { SCALED: pixels === undefined },
    workgroups: Math.ceil(size / 64),
  });
  return y;
}
