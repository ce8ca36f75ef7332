// Samples at another rate.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';

const sincResampleKernel = kernel({
  name: 'sinc-resample',
  code: [
    workgroup,
    { file: 'sinc-resample.wgsl', text: late(() => import('./sinc-resample.wgsl?raw')) },
  ],
  bindings: { x: 'read', starts: 'read', weights: 'read', y: 'write' },
  params: { count: 'u32', up: 'u32', down: 'u32', taps: 'u32' },
});

export const sincResampleKernels: readonly Kernel[] = [sincResampleKernel];

/** What samples at another rate are sums of. */
export interface SincFilter {
  /** So many samples of the result take as long as so many of the signal; then the weights repeat. */
  readonly up: number;
  readonly down: number;
  /** Samples of the signal that must stand before those that a result begins with, and behind its last. */
  readonly margin: number;
  /** Weights of a sample. */
  readonly taps: number;
  /** u32 (up): the first sample that is weighted, the margin counted. */
  readonly starts: Uint32Array<ArrayBuffer>;
  /** (up, taps) */
  readonly weights: Float32Array<ArrayBuffer>;
}

/** Where the sinc ends, in its zeros on one side, and the part of the lower band that is kept. */
const [ZEROS, ROLLOFF] = [6, 0.99];

/**
 * The filter from one whole rate to another: a sinc of the lower band under a Hann window, as
 * `torchaudio.functional.resample` has it by default (`sinc_interp_hann`; Smith, "Digital Audio Resampling", 1984).
 */
export function sincFilter(from: number, to: number): SincFilter {
  const common = greatestDivisor(from, to);
  const [down, up] = [from / common, to / common];
  const band = Math.min(down, up) * ROLLOFF;
  const reach = (ZEROS * down) / band;
  const margin = Math.ceil(reach);
  const taps = Math.floor(2 * reach) + 1;
  const starts = new Uint32Array(up);
  const weights = new Float32Array(up * taps);
  for (let phase = 0; phase < up; phase++) {
    const first = Math.ceil((phase * down) / up - reach);
    starts[phase] = first + margin;
    for (let tap = 0; tap < taps; tap++) {
      const t = ((first + tap) / down - phase / up) * band;
      weights[phase * taps + tap] = (band / down) * windowedSinc(t);
    }
  }
  return { up, down, margin, taps, starts, weights };
}

function windowedSinc(t: number): number {
  if (Math.abs(t) >= ZEROS) return 0;
  const window = Math.cos((Math.PI * t) / ZEROS / 2) ** 2;
  return t === 0 ? 1 : (Math.sin(Math.PI * t) / (Math.PI * t)) * window;
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

/** A `SincFilter` on the GPU. */
export interface SincTensors {
  readonly starts: Tensor;
  readonly weights: Tensor;
}

/** Samples that a result of so many is made of, with the margins. */
export function sincLength({ up, down, margin }: SincFilter, count: number): number {
  return Math.ceil(count / up) * down + 2 * margin + 1;
}

/** x: (length), see `sincLength`. Result: (count). */
export function sincResample(
  x: Tensor,
  { starts, weights }: SincTensors,
  { up, down, taps }: SincFilter,
  count: number,
): Tensor {
  const y = x.recording.transient(`${x.label}, resampled`, [count]);
  x.recording.dispatch({
    kernel: sincResampleKernel,
    bindings: { x, starts, weights, y },
    params: { count, up, down, taps },
    workgroups: Math.ceil(count / 64),
  });
  return y;
}
