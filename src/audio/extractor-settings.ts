// What preprocessor_config.json says of sound, or the part of processor_config.json that newer releases write.

import type { Config } from '../model/config.ts';
import { readProcessor } from '../model/read-processor.ts';
import { isObject } from '../source/json.ts';
import { readJson, type Source } from '../source/source.ts';

interface SharedSettings {
  /** Samples a second. */
  readonly samplingRate: number;
  /** What shorter sounds are filled up with. */
  readonly paddingValue: number;
  /** Whether results say which samples, or frames, are a sound's own. */
  readonly returnAttentionMask: boolean;
}

/** Samples as they are, at zero mean and unit variance where `normalizes`. */
export interface ValueSettings extends SharedSettings {
  readonly kind: 'values';
  readonly normalizes: boolean;
}

/** Log-mel spectrograms of a fixed length. */
export interface SpectrogramSettings extends SharedSettings {
  readonly kind: 'spectrograms';
  /** Bands of a frame. */
  readonly bands: number;
  /** Samples of a frame, and from one to the next. */
  readonly size: number;
  readonly hop: number;
  /** Samples of a window. */
  readonly window: number;
}

export type ExtractorSettings = ValueSettings | SpectrogramSettings;

/** Fields that say nothing that counts: names, and what follows from other fields. */
const harmless = [
  'feature_extractor_type',
  'processor_class',
  'feature_size',
  'n_samples',
  'nb_max_frames',
  'mel_filters',
];

/** The feature extractors, and what stands for them where none is named, as `AutoFeatureExtractor` has it. */
const kinds = {
  WhisperFeatureExtractor: spectrogramSettings,
  Wav2Vec2FeatureExtractor: valueSettings,
} as const;
const values =
  /^(wav2vec2(-bert|-conformer)?|hubert|wavlm|moonshine|unispeech(-sat)?|sew(-d)?|data2vec-audio)$/;

/** Errors: FILE_NOT_FOUND, FILE_INVALID, CONFIG_INVALID, MODEL_UNSUPPORTED. */
export async function readExtractorSettings(
  source: Source,
  signal: AbortSignal | undefined,
): Promise<ExtractorSettings> {
  const config = await readProcessor(source, ['feature_extractor', 'audio_processor'], signal);
  const type = config.get('feature_extractor_type') ?? (await assumedType(source, signal));
  if (type !== 'WhisperFeatureExtractor' && type !== 'Wav2Vec2FeatureExtractor') {
    const known = Object.keys(kinds).join(' or ');
    return config.refuse('feature_extractor_type', `${known}, as no other is supported yet`);
  }
  const settings = kinds[type](config);
  config.refuseOthers(harmless);
  return settings;
}

/** What a model takes whose files name no class for it. */
async function assumedType(source: Source, signal: AbortSignal | undefined): Promise<unknown> {
  const config = await readJson(source, 'config.json', { signal });
  const model = isObject(config) ? config['model_type'] : undefined;
  if (model === 'whisper') return 'WhisperFeatureExtractor';
  return typeof model === 'string' && values.test(model) ? 'Wav2Vec2FeatureExtractor' : undefined;
}

function sharedSettings(config: Config): SharedSettings {
  if (config.string('padding_side', 'right') !== 'right') config.refuse('padding_side', '"right"');
  return {
    samplingRate: config.integer('sampling_rate', 16_000, 1, 768_000),
    paddingValue: config.number('padding_value', 0),
    returnAttentionMask: config.boolean('return_attention_mask', false),
  };
}

function valueSettings(config: Config): ValueSettings {
  if (config.integer('feature_size', 1) !== 1) config.refuse('feature_size', '1');
  const normalizes = config.boolean('do_normalize', true);
  return { kind: 'values', ...sharedSettings(config), normalizes };
}

function spectrogramSettings(config: Config): SpectrogramSettings {
  const shared = sharedSettings(config);
  if (config.number('dither', 0) !== 0) config.refuse('dither', '0, as noise cannot be repeated');
  // Whisper's extractor normalizes on request alone.
  config.get('do_normalize');
  return {
    kind: 'spectrograms',
    ...shared,
    bands: config.integer('feature_size', 80, 1, 4096),
    size: config.integer('n_fft', 400, 2, 65_536),
    hop: config.integer('hop_length', 160),
    window: config.integer('chunk_length', 30) * shared.samplingRate,
  };
}
