// What is said in a sound.

import type { FeatureExtractor } from '../../audio/feature-extractor.ts';
import { type AudioInput, readAudio } from '../../audio/read-audio.ts';
import { optionNames } from '../../model/generation/options.ts';
import type { GenerateCallOptions, GenerateResult, ModelInputs } from '../../model/model.ts';
import { speechOptionNames } from '../../model/speech/speech-options.ts';
import { refuseUnknown, TransformerError } from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';
import { className } from '../../model/heads/head-name.ts';
import { readConfig } from '../../model/read-configs.ts';
import type { Source } from '../../source/source.ts';
import type { CtcParts } from './ctc-recognition.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import type { SpeechText } from './speech-text.ts';
import { type Halved, type Halves, halves } from '../halves.ts';
import { oneOrMany, type TaskModel, type TextTokenizer } from '../task.ts';
import { whisperRecognition } from './whisper-recognition.ts';

/** Options of the task, and those of `generate` for models that hear. */
export interface RecognitionOptions extends Omit<
  GenerateCallOptions,
  'returnTimestamps' | 'returnTokenTimestamps' | 'numFrames' | 'hiddenStates' | 'attentions'
> {
  /**
   * Whether the result has the times of stretches of speech, or of words; models that label each step have them of
   * words and of characters. Default false.
   */
  returnTimestamps?: boolean | 'char' | 'word';
  /** Whether each chunk says which language is spoken. Default false. */
  returnLanguage?: boolean;
  /**
   * Seconds of the parts that a long sound is cut into, which are heard apart. By default Whisper hears it window by
   * window, each of which begins where the last time stamp stands, and other models hear it as a whole. Texts of parts
   * are joined where they are alike, but those of models that write no time stamps: pass these a stride of 0.
   */
  chunkLength?: number;
  /** Seconds that parts share with those before and behind; a sixth of `chunkLength` by default. */
  stride?: number | readonly [left: number, right: number];
  /** Called with each piece of the text as it is certain. */
  onText?: (text: string) => void;
}

/** What is said in a sound; several sounds give a list. */
export interface SpeechRecognition {
  (audio: AudioInput, options?: RecognitionOptions): Promise<SpeechText>;
  (audios: readonly AudioInput[], options?: RecognitionOptions): Promise<SpeechText[]>;
}

/** A loaded checkpoint that hears. */
export interface RecognitionParts {
  readonly model: Pick<TaskModel, 'config' | 'generationConfig' | 'maxPositions'> & {
    readonly gpu: Gpu;
    generate(inputs: ModelInputs, options?: GenerateCallOptions): Promise<GenerateResult>;
  };
  readonly tokenizer: Pick<TextTokenizer, 'decode' | 'decodeCertain' | 'tokens'>;
  readonly featureExtractor: Pick<FeatureExtractor, 'features' | 'samplingRate' | 'windowLength'>;
}

/** Recognizes samples at the model's rate. */
export type Recognize = (samples: Float32Array, options: RecognitionOptions) => Promise<SpeechText>;

const names: readonly string[] = [
  'returnTimestamps',
  'returnLanguage',
  'chunkLength',
  'stride',
  'onText',
  ...speechOptionNames.filter((name) => !/^(returnT|numF)/.test(name)),
  ...optionNames,
];

/** Loads what the kind of model needs: one that generates texts, or one that labels each step. */
export async function automaticSpeechRecognition(
  files: Source,
  signal: AbortSignal | undefined,
): Promise<(parts: CtcParts) => SpeechRecognition> {
  const config = await readConfig(files, signal);
  if (config['model_type'] === 'moonshine') {
    const { seq2seqRecognition } = await import('./seq2seq-recognition.ts');
    return (parts) => recognition(parts, seq2seqRecognition(parts));
  }
  if (className(config)?.endsWith('ForCTC') !== true) {
    return (parts) => recognition(parts, whisperRecognition(parts));
  }
  const { ctcRecognition, readCtcVocabulary } = await import('./ctc-recognition.ts');
  const vocabulary = await readCtcVocabulary(files, signal);
  return (parts) => recognition(parts, ctcRecognition(parts, vocabulary));
}

function recognition(
  { model, featureExtractor }: RecognitionParts,
  recognize: Recognize,
): SpeechRecognition & Halved<RecognitionOptions, AudioInput, Float32Array, SpeechText> {
  const halved = (options: RecognitionOptions): Halves<AudioInput, Float32Array, SpeechText> => {
    checkRecognition(options);
    const { signal } = options;
    const { samplingRate } = featureExtractor;
    return {
      limit: Infinity,
      encode: (sound) =>
        readAudio(sound, { samplingRate, gpu: model.gpu, ...(signal && { signal }) }),
      run: async (sounds) => {
        const texts: SpeechText[] = [];
        for (const samples of sounds) texts.push(await recognize(samples, options));
        return texts;
      },
    };
  };
  const hear = async (
    input: AudioInput | readonly AudioInput[],
    options: RecognitionOptions = {},
  ): Promise<SpeechText | SpeechText[]> => {
    const { encode, run } = halved(options);
    return oneOrMany(input, async (sounds) => {
      const texts: SpeechText[] = [];
      for (const sound of sounds) texts.push(...(await run([await encode(sound)])));
      return texts;
    });
  };
  return Object.assign(hear as SpeechRecognition, { [halves]: halved });
}

/** Errors: OPTION_UNKNOWN, OPTION_INVALID. The options of `generate` are checked there. */
function checkRecognition(options: RecognitionOptions): void {
  refuseUnknown(options, names, 'option of automatic-speech-recognition');
  const {
    returnTimestamps = false,
    returnLanguage = false,
    chunkLength = 0,
    stride = 0,
    onText,
  } = options;
  const isSeconds = (value: unknown): boolean => Number.isFinite(value) && Number(value) >= 0;
  const wrong = (name: string, value: unknown, wanted: string): TransformerError =>
    new TransformerError('OPTION_INVALID', `${name} is ${show(value)}; wanted ${wanted}.`);
  if (typeof returnTimestamps !== 'boolean' && !['char', 'word'].includes(returnTimestamps)) {
    throw wrong('returnTimestamps', returnTimestamps, "true, false, 'word' or 'char'");
  }
  if (typeof returnLanguage !== 'boolean') {
    throw wrong('returnLanguage', returnLanguage, 'true or false');
  }
  if (!isSeconds(chunkLength)) throw wrong('chunkLength', chunkLength, 'seconds');
  const sides = [stride].flat();
  if (sides.length > 2 || sides.length < 1 || !sides.every(isSeconds)) {
    throw wrong('stride', stride, 'seconds, or [left, right]');
  }
  if (onText !== undefined && typeof onText !== 'function') {
    throw wrong('onText', onText, 'a function of a text');
  }
}
