// What models take of sound, as their files say: log-mel spectrograms, or the samples themselves.

import { throwIfAborted, TransformerError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { requireGpu } from '../runtime/require-gpu.ts';
import type { DenseTensor } from '../model/inputs/inputs.ts';
import { isSource, type ModelSource, openSource } from '../source/open-source.ts';
import {
  type ExtractorSettings,
  readExtractorSettings,
  type SpectrogramSettings,
  type ValueSettings,
} from './extractor-settings.ts';
import { checkFeatureOptions, checkSounds, type FeatureOptions } from './feature-options.ts';
import { paddedLengths, padTo } from './padding.ts';

/** Inputs of `forward`: those that the model takes. */
export interface AudioFeatures {
  /** (B, bands, frames), of models that take spectrograms. */
  inputFeatures?: DenseTensor;
  /** (B, samples), of models that take samples. */
  inputValues?: DenseTensor;
  /** 1 where a frame, or a sample, is of the sound and 0 where it is padding, (B, frames or samples). */
  attentionMask?: number[][];
}

/**
 * The feature extractor of a checkpoint: `WhisperFeatureExtractor` or `Wav2Vec2FeatureExtractor`, with the results of
 * those of Hugging Face transformers.
 * @example
 * const extractor = await FeatureExtractor.load('hf:openai/whisper-tiny');
 * const samples = await readAudio('speech.wav', { samplingRate: extractor.samplingRate, gpu });
 * const { inputFeatures } = await extractor.features(gpu, samples);
 */
export class FeatureExtractor {
  readonly #settings: ExtractorSettings;

  private constructor(settings: ExtractorSettings) {
    this.#settings = settings;
  }

  /**
   * Reads preprocessor_config.json, or the feature extractor in processor_config.json.
   * Errors: FILE_NOT_FOUND, FILE_INVALID, CONFIG_INVALID, ABORTED; MODEL_UNSUPPORTED for other extractors and for
   * settings that would change the result.
   */
  static async load(source: ModelSource, signal?: AbortSignal): Promise<FeatureExtractor> {
    throwIfAborted(signal);
    const files = isSource(source) ? source : openSource(source);
    return new FeatureExtractor(await readExtractorSettings(files, signal));
  }

  /** Samples a second of the sounds that it takes. */
  get samplingRate(): number {
    return this.#settings.samplingRate;
  }

  /** Samples that spectrograms are padded or cut to, 30 seconds say; undefined where samples are taken. */
  get windowLength(): number | undefined {
    const settings = this.#settings;
    return settings.kind === 'spectrograms' ? settings.window : undefined;
  }

  /**
   * Features of a sound, or of several as one batch. Samples are of one channel, at `samplingRate`, see `readAudio`.
   * Spectrograms are computed on the GPU, as are mean and variance where samples are normalized.
   * Errors: INPUT_INVALID, OPTION_INVALID, ABORTED, and those of the GPU (LIMIT_EXCEEDED, OUT_OF_MEMORY).
   */
  async features(
    gpu: Gpu,
    samples: Float32Array | readonly Float32Array[],
    options: FeatureOptions = {},
  ): Promise<AudioFeatures> {
    requireGpu(gpu);
    checkFeatureOptions(options);
    throwIfAborted(options.signal);
    const sounds = checkSounds(samples);
    const settings = this.#settings;
    if (settings.kind === 'values') return valuesOf(gpu, sounds, settings, options);
    return spectrogramsOf(gpu, sounds, settings, options);
  }
}

async function valuesOf(
  gpu: Gpu,
  sounds: readonly Float32Array[],
  { paddingValue, normalizes, ...settings }: ValueSettings,
  options: FeatureOptions,
): Promise<AudioFeatures> {
  const { length, own } = paddedLengths(sounds, options, gpu.bindingLimit);
  const { returnAttentionMask = settings.returnAttentionMask } = options;
  const fill = (sound: Float32Array): Float32Array => padTo(length, sound, paddingValue);
  let rows: Float32Array[] = sounds.map((sound, i) => sound.subarray(0, own[i]));
  // Where no mask tells them apart, what is padded counts as sound.
  if (!returnAttentionMask) rows = rows.map(fill);
  if (options.doNormalize ?? normalizes) rows = await standardized(gpu, rows, options.signal);
  const data = new Float32Array(rows.length * length);
  rows.map(fill).forEach((row, i) => data.set(row, i * length));
  const inputValues = { data, shape: [rows.length, length] };
  return { inputValues, ...(returnAttentionMask && { attentionMask: masks(own, length, 1) }) };
}

async function spectrogramsOf(
  gpu: Gpu,
  sounds: readonly Float32Array[],
  settings: SpectrogramSettings,
  options: FeatureOptions,
): Promise<AudioFeatures> {
  const {
    padding = 'max_length',
    maxLength = settings.window,
    truncation = true,
    returnAttentionMask = settings.returnAttentionMask,
    doNormalize = false,
  } = options;
  const asked = { ...options, padding, maxLength, truncation };
  const { length, own } = paddedLengths(sounds, asked, gpu.bindingLimit);
  const { frameCount, spectrograms } = await import('./log-mel.ts');
  const frames = frameCount(length, settings);
  if (frames < 1) {
    throw new TransformerError(
      'INPUT_INVALID',
      `The sound has ${length} samples; a frame has ${settings.hop}. Pass more, or leave out padding.`,
    );
  }
  let rows: Float32Array[] = sounds.map((sound, i) => sound.subarray(0, own[i]));
  if (doNormalize) rows = await standardized(gpu, rows, options.signal);
  rows = rows.map((row) => padTo(length, row, settings.paddingValue));
  const data = await spectrograms(gpu, rows, settings);
  throwIfAborted(options.signal);
  const inputFeatures = { data, shape: [rows.length, settings.bands, frames] };
  const mask = returnAttentionMask && { attentionMask: masks(own, frames, settings.hop) };
  return { inputFeatures, ...mask };
}

async function standardized(
  gpu: Gpu,
  sounds: readonly Float32Array[],
  signal: AbortSignal | undefined,
): Promise<Float32Array[]> {
  const { standardize } = await import('./standardize.ts');
  const rows = await standardize(gpu, sounds);
  throwIfAborted(signal);
  return rows;
}

/** For each sound, which of so many places, of `step` samples each, begin within it. */
function masks(lengths: readonly number[], places: number, step: number): number[][] {
  return lengths.map((length) =>
    Array.from({ length: places }, (_, place) => Number(place * step < length)),
  );
}
