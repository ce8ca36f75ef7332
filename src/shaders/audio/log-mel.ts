// Spectra as logarithms of their power in bands.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';

const logMelKernel = kernel({
  name: 'log-mel',
  code: [workgroup, { file: 'log-mel.wgsl', text: late(() => import('./log-mel.wgsl?raw')) }],
  bindings: { spectra: 'read', ranges: 'read', weights: 'read', y: 'write' },
  params: {
    frames: 'u32',
    bins: 'u32',
    bands: 'u32',
    taps: 'u32',
    item: 'u32',
    first: 'u32',
    all_frames: 'u32',
  },
});

const melFloorKernel = kernel({
  name: 'mel-floor',
  code: [workgroup, { file: 'mel-floor.wgsl', text: late(() => import('./mel-floor.wgsl?raw')) }],
  bindings: { x: 'read', peaks: 'read', y: 'write' },
  params: { size: 'u32', row: 'u32' },
});

export const logMelKernels: readonly Kernel[] = [logMelKernel, melFloorKernel];

/** The weights of the bins of a spectrum in each band. */
export interface MelTensors {
  /** u32 (bands, 2): the first bin, and how many. */
  readonly ranges: Tensor;
  /** (bands, taps) */
  readonly weights: Tensor;
}

/** Where frames go in the result. */
export interface FramePlace {
  readonly item: number;
  readonly first: number;
}

/**
 * Writes the frames of a piece into y, (sounds, bands, frames): the decadic logarithm of the power in each band, of
 * 1e-10 at least. spectra: (frames of the piece, 2 · bins), the real parts first.
 */
export function logMel(
  { spectra, bands, y }: { spectra: Tensor; bands: MelTensors; y: Tensor },
  { item, first }: FramePlace,
): void {
  const [count, taps] = [bands.weights.size(0), bands.weights.size(1)];
  const frames = spectra.size(-2);
  y.recording.dispatch({
    kernel: logMelKernel,
    bindings: { spectra, ranges: bands.ranges, weights: bands.weights, y },
    params: {
      frames,
      bins: spectra.size(-1) / 2,
      bands: count,
      taps,
      item,
      first,
      all_frames: y.size(-1),
    },
    parts: ['y'],
    workgroups: Math.ceil((frames * count) / 64),
  });
}

/**
 * Logarithms as Whisper takes them ("Robust Speech Recognition via Large-Scale Weak Supervision", Radford et al., 2022,
 * arXiv 2212.04356, §2.2, as its code has it): none further than 8 below the largest of its sound, then (x + 4) / 4.
 * x: (sounds, bands, frames), peaks: (sounds). Result: like x.
 */
export function melFloor(x: Tensor, peaks: Tensor): Tensor {
  const y = x.recording.transient('log-mel', x.shape);
  const row = x.size(-1) * x.size(-2);
  const size = row * x.size(0);
  x.recording.dispatch({
    kernel: melFloorKernel,
    bindings: { x, peaks, y },
    params: { size, row },
    workgroups: Math.ceil(size / 64),
  });
  return y;
}
