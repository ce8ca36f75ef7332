// From what people have of sound to the samples that a model takes.

import {
  fieldOf,
  hasMethod,
  isA,
  refuseUnknown,
  throwIfAborted,
  TransformerError,
} from '../runtime/errors.ts';
import { Gpu } from '../runtime/gpu.ts';
import { requireGpu } from '../runtime/require-gpu.ts';
import type { Platform } from '../runtime/platform-types.ts';
import { show } from '../runtime/print.ts';
import { type FileInput, isFileInput, nameOf, readBytes } from '../source/read-bytes.ts';
import { meanOfChannels } from './channels.ts';
import { checkSamples } from './samples.ts';
import type { Sound } from './wav.ts';

/** Samples of one channel and their rate. */
export interface SampledSound {
  /** From -1 to 1. */
  data: Float32Array;
  /** Samples a second. */
  samplingRate: number;
}

/**
 * Sound: a WAV file (its path in Node, URL, `Blob`, `File` or bytes; in browsers files of every format that they
 * decode), an `AudioBuffer`, samples with their rate, or samples alone, which are at the model's rate.
 */
export type AudioInput = FileInput | Float32Array | SampledSound | Platform<'AudioBuffer'>;

/** How a sound is read. */
export interface ReadAudioOptions {
  /** Samples a second of the result. */
  samplingRate: number;
  /** The device that resamples; a new one, closed afterwards, when absent. */
  gpu?: Gpu;
  /** Cancels the call, which then rejects with `ABORTED`. */
  signal?: AbortSignal;
}

/**
 * Sound as models take it: one channel, the mean of all, at `samplingRate`. Other rates are brought to it as
 * `torchaudio.functional.resample` does by default, by a sinc under a Hann window, on the GPU.
 * Errors: FILE_* for files, and what no WAV file is where the platform does not decode it; INPUT_INVALID for
 * sound that is empty or holds NaN; OPTION_INVALID, ABORTED, and those of the GPU.
 * @example
 * const samples = await readAudio('speech.wav', { samplingRate: 16_000 });
 */
export async function readAudio(
  input: AudioInput,
  options: ReadAudioOptions,
): Promise<Float32Array<ArrayBuffer>> {
  refuseUnknown(options, ['samplingRate', 'gpu', 'signal'], 'option of readAudio');
  const { samplingRate, gpu, signal } = options;
  checkRate(samplingRate, 'OPTION_INVALID');
  if (gpu !== undefined) requireGpu(gpu);
  throwIfAborted(signal);
  const sound = await soundOf(input, samplingRate, signal);
  checkRate(sound.samplingRate, 'INPUT_INVALID');
  checkSamples(sound.data);
  if (sound.samplingRate === samplingRate) return sound.data;
  const { resample } = await import('./resample.ts');
  const own = gpu ?? (await Gpu.request(signal ? { signal } : {}));
  try {
    return await resample(own, sound, samplingRate, signal);
  } finally {
    if (gpu === undefined) own.dispose();
  }
}

async function soundOf(
  input: unknown,
  samplingRate: number,
  signal: AbortSignal | undefined,
): Promise<Sound> {
  if (isA(input, Float32Array)) return { data: new Float32Array(input), samplingRate };
  if (isFileInput(input)) {
    const { decodeSound } = await import('./decode.ts');
    return decodeSound(await readBytes(input, signal), nameOf(input), samplingRate);
  }
  if (isAudioBuffer(input)) return meanOfChannels(input);
  const [data, rate] = [fieldOf(input, 'data'), fieldOf(input, 'samplingRate')];
  if (isA(data, Float32Array)) {
    return { data: new Float32Array(data), samplingRate: rate as number };
  }
  const given =
    (input ?? undefined) === undefined ? 'The sound is missing' : `${show(input)} is no sound`;
  throw new TransformerError(
    'INPUT_INVALID',
    `${given}. Pass a WAV file (its path, URL, File or bytes), an AudioBuffer, ` +
      'a Float32Array at the rate of the model, or { data: Float32Array, samplingRate }.',
  );
}

function isAudioBuffer(input: unknown): input is AudioBuffer {
  return hasMethod(input, 'getChannelData') && typeof fieldOf(input, 'sampleRate') === 'number';
}

/** Rates beyond those of any device. */
export const HIGHEST_RATE = 768_000;

function checkRate(rate: unknown, code: 'INPUT_INVALID' | 'OPTION_INVALID'): void {
  const isWhole = Number.isSafeInteger(rate);
  if (isWhole && Number(rate) > 0 && Number(rate) <= HIGHEST_RATE) return;
  const got = rate === undefined ? 'missing' : show(rate);
  throw new TransformerError(
    code,
    `samplingRate is ${got}; wanted samples a second, a whole number from 1 to ${HIGHEST_RATE}.`,
  );
}
