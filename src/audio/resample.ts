// Sound at the rate that a model takes.

import { throwIfAborted } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { Plan } from '../runtime/plan.ts';
import { Recording } from '../runtime/record.ts';
import { sincFilter, sincLength, sincResample } from '../shaders/audio/sinc-resample.ts';
import type { Sound } from './wav.ts';

/** Samples of a piece at most, about: longer sound is played piece by piece. */
const PIECE = 2 ** 20;

/**
 * Sound at another rate, as `torchaudio.functional.resample` gives it by default: as many samples as begin within
 * the sound. It is silent before its first sample and behind its last.
 */
export async function resample(
  gpu: Gpu,
  { data, samplingRate }: Sound,
  to: number,
  signal?: AbortSignal,
): Promise<Float32Array<ArrayBuffer>> {
  const filter = sincFilter(samplingRate, to);
  const { up, down, margin, taps } = filter;
  const result = new Float32Array(Math.ceil((data.length * up) / down));
  const blocks = Math.ceil(result.length / up);
  const inPiece = Math.min(blocks, Math.ceil(PIECE / Math.max(up, down)));
  const count = inPiece * up;
  const length = sincLength(filter, count);
  const recording = new Recording(gpu);
  try {
    const x = recording.persistent('samples', [length]);
    const starts = recording.persistent('filter, starts', [up], 'u32');
    const weights = recording.persistent('filter, weights', [up, taps]);
    const y = sincResample(x, { starts, weights }, filter, count);
    const plan = await Plan.create(recording, [y]);
    plan.write(starts, filter.starts);
    plan.write(weights, filter.weights);
    for (let block = 0; block < blocks; block += inPiece) {
      throwIfAborted(signal);
      plan.write(x, stretch(data, block * down - margin, length));
      const [bytes = new ArrayBuffer(0)] = await plan.play();
      const samples = new Float32Array(bytes);
      result.set(samples.subarray(0, result.length - block * up), block * up);
    }
    return result;
  } finally {
    recording.dispose();
  }
}

/** Samples from `first` on, with silence before the sound and behind it. */
function stretch(data: Float32Array, first: number, length: number): Float32Array<ArrayBuffer> {
  const piece = new Float32Array(length);
  const from = Math.max(0, first);
  piece.set(data.subarray(from, first + length), from - first);
  return piece;
}
