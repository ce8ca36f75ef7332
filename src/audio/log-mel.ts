// Log-mel spectrograms of sound, as Whisper takes them (Radford et al., 2022, arXiv 2212.04356, §2.2).

import type { Gpu } from '../runtime/gpu.ts';
import { windowOf } from '../runtime/parts.ts';
import { Plan } from '../runtime/plan.ts';
import { Recording } from '../runtime/record.ts';
import { logMel, melFloor } from '../shaders/audio/log-mel.ts';
import { windows } from '../shaders/audio/windows.ts';
import { matmul } from '../shaders/matmul/matmul.ts';
import { fold } from '../shaders/rows/fold.ts';
import type { SpectrogramSettings } from './extractor-settings.ts';
import { melBands } from './mel-bands.ts';

type Settings = Pick<SpectrogramSettings, 'bands' | 'samplingRate' | 'size' | 'hop'>;

/** Frames of so many samples: one around every so many of them, without the last. */
export function frameCount(length: number, { size, hop }: Settings): number {
  return Math.floor((length + 2 * Math.floor(size / 2) - size) / hop);
}

/** Where the bands of Whisper end, in hertz, whatever the rate. */
const HIGHEST = 8000;

/** Frames that are gone through at once. */
const PIECE = 4096;

/**
 * Sounds of one length, at least one frame long, as logarithms of the power in bands. Frames stand around their
 * time, the sound being mirrored at its ends, under a Hann window; their spectrum is a product with a table.
 * Result: (sounds, bands, frames).
 */
export async function spectrograms(
  gpu: Gpu,
  sounds: readonly Float32Array[],
  settings: Settings,
): Promise<Float32Array<ArrayBuffer>> {
  const { bands: count, samplingRate, size, hop } = settings;
  const bins = Math.floor(size / 2) + 1;
  const bands = melBands({ bands: count, bins, samplingRate, highest: HIGHEST });
  // Products of fours take a part of the time on CPU adapters: bins beyond the last are 0.
  const columns = Math.ceil(bins / 2) * 2;
  const length = sounds[0]?.length ?? 0;
  const frames = frameCount(length, settings);
  // Bindings begin at multiples of 64 numbers: so do sounds and pieces.
  const row = Math.ceil((length + size) / 64) * 64;
  const recording = new Recording(gpu);
  try {
    const samples = recording.persistent('samples', [sounds.length, row]);
    const table = recording.persistent('table of the spectrum', [2 * columns, size]);
    const ranges = recording.persistent('bands', [count, 2], 'u32');
    const weights = recording.persistent('weights of bands', [count, bands.taps]);
    const y = recording.transient('logarithms', [sounds.length, count, frames]);
    for (const item of sounds.keys()) {
      for (let first = 0; first < frames; first += PIECE) {
        const own = Math.min(PIECE, frames - first);
        const piece = windowOf(samples, item * row + first * hop, {
          shape: [1, 1, (own - 1) * hop + size],
        });
        const cut = windows(piece, { size, stride: hop, padding: 0 });
        const spectra = matmul(cut, table, { transposed: true, label: 'spectra' });
        logMel({ spectra, bands: { ranges, weights }, y }, { item, first });
      }
    }
    const result = melFloor(y, fold(y, { kind: 'largest', groups: 1 }));
    const plan = await Plan.create(recording, [result]);
    plan.write(table, spectrumTable(size, columns));
    plan.write(ranges, bands.ranges);
    plan.write(weights, bands.weights);
    plan.write(samples, mirrored(sounds, row, Math.floor(size / 2)));
    const [bytes = new ArrayBuffer(0)] = await plan.play();
    return new Float32Array(bytes);
  } finally {
    recording.dispose();
  }
}

/** (2 · columns, size): what samples are multiplied by for the real parts of a spectrum and the imaginary ones. */
function spectrumTable(size: number, columns: number): Float32Array<ArrayBuffer> {
  const bins = Math.floor(size / 2) + 1;
  const turn = (2 * Math.PI) / size;
  const table = new Float32Array(2 * columns * size);
  for (let n = 0; n < size; n++) {
    const window = 0.5 - 0.5 * Math.cos(turn * n);
    for (let bin = 0; bin < bins; bin++) {
      // Angles are kept small, where their sines are exact.
      const angle = turn * ((bin * n) % size);
      table[bin * size + n] = window * Math.cos(angle);
      table[(columns + bin) * size + n] = -window * Math.sin(angle);
    }
  }
  return table;
}

/** The sounds with as many samples before and behind them as half a frame has, mirrored at the first and the last. */
function mirrored(
  sounds: readonly Float32Array[],
  row: number,
  half: number,
): Float32Array<ArrayBuffer> {
  const all = new Float32Array(sounds.length * row);
  for (const [item, sound] of sounds.entries()) {
    const last = sound.length - 1;
    const at = (i: number): number => {
      const place = Math.abs(i) % Math.max(1, 2 * last);
      return sound[Math.min(place, 2 * last - place)] ?? 0;
    };
    const start = item * row + half;
    all.set(sound, start);
    for (let i = 1; i <= half; i++) {
      all[start - i] = at(-i);
      all[start + last + i] = at(last + i);
    }
  }
  return all;
}
