// Speech recognition by Whisper (Radford et al., 2022, arXiv 2212.04356): whole sounds window by window, or in parts that
// overlap, whose texts are joined.

import { TransformerError } from '../../runtime/errors.ts';
import { languageNames } from '../../model/speech/languages.ts';
import { isObject } from '../../source/json.ts';
import type {
  RecognitionOptions,
  RecognitionParts,
  Recognize,
} from './automatic-speech-recognition.ts';
import { LiveText } from './live-text.ts';
import { cutsOf } from './speech-cuts.ts';
import { type HeardTokens, speechText, type SpeechVocabulary } from './speech-text.ts';

/** New tokens of a window at most where neither the call nor the files say how many, as in Hugging Face's task. */
const usualTokens = 256;

export function whisperRecognition(parts: RecognitionParts): Recognize {
  const { model, tokenizer, featureExtractor } = parts;
  const { samplingRate, windowLength = 30 * samplingRate } = featureExtractor;
  const vocabulary = vocabularyOf(parts);
  return async (samples, options) => {
    const {
      chunkLength,
      stride: _stride,
      returnTimestamps = false,
      returnLanguage = false,
      onText,
      ...rest
    } = options;
    if (returnTimestamps === 'char') {
      throw new TransformerError(
        'OPTION_INVALID',
        "returnTimestamps is 'char'; wanted true, false or 'word' of a model that generates.",
      );
    }
    const cuts = cutsOf(samples.length, options, { samplingRate, windowLength, step: 1 });
    const isWord = returnTimestamps === 'word';
    const holds = returnTimestamps !== false || (!chunkLength && samples.length > windowLength);
    const live =
      onText && isLive(options)
        ? new LiveText(tokenizer, vocabulary, { holds, tell: onText })
        : undefined;
    const heard: HeardTokens[] = [];
    for (const { first, end, left, right } of cuts) {
      const isLong = end - first > windowLength;
      const { inputFeatures, attentionMask = [] } = await featureExtractor.features(
        model.gpu,
        samples.subarray(first, end),
        {
          returnAttentionMask: true,
          ...(isLong && { padding: 'longest', truncation: false }),
          ...(rest.signal && { signal: rest.signal }),
        },
      );
      if (inputFeatures === undefined) throw notWhisper();
      const { sequences, segments = [] } = await model.generate(
        { inputFeatures },
        {
          ...usualLength(parts, rest),
          ...rest,
          ...(live && listening(live, rest)),
          ...(returnTimestamps !== false && { returnTimestamps: true }),
          ...(isWord && {
            returnTokenTimestamps: true,
            numFrames: attentionMask.map((row) => row.reduce((sum, one) => sum + one, 0)),
          }),
        },
      );
      live?.endWindow();
      const own = segments[0] ?? [];
      // The prompt says which language was heard.
      const spoken = sequences[0]?.find((token) => vocabulary.languages.has(token));
      const named = returnLanguage && spoken !== undefined ? [spoken] : [];
      const seconds = (count: number): number => count / samplingRate;
      heard.push({
        tokens: [...named, ...own.flatMap(({ tokens }) => tokens)],
        ...(isWord && {
          times: [
            ...named.map(() => 0),
            ...own.flatMap(({ tokenTimestamps = [] }) => tokenTimestamps),
          ],
        }),
        ...(chunkLength && { stride: [seconds(end - first), seconds(left), seconds(right)] }),
      });
    }
    const result = speechText(heard, vocabulary, {
      timestamps: returnTimestamps,
      language: returnLanguage,
    });
    if (live) live.end();
    else onText?.(result.text);
    return result;
  };
}

/** Whether tokens are final as they come: no beams are compared, and no window is heard twice. */
function isLive({ numBeams, temperature }: RecognitionOptions): boolean {
  return (numBeams ?? 1) === 1 && [temperature ?? 0].flat().length === 1;
}

/** Has the text of each token told as it comes. */
function listening(
  live: LiveText,
  { stoppingCriteria }: RecognitionOptions,
): Pick<RecognitionOptions, 'stoppingCriteria'> {
  return {
    stoppingCriteria: (sequences) => {
      live.take(sequences[0] ?? []);
      return stoppingCriteria?.(sequences) ?? sequences.map(() => false);
    },
  };
}

/** A length where nothing says one, as far as positions reach behind a prompt. */
function usualLength(
  { model: { generationConfig = {}, maxPositions } }: RecognitionParts,
  { maxNewTokens, maxLength }: RecognitionOptions,
): Pick<RecognitionOptions, 'maxNewTokens'> {
  const said =
    maxNewTokens ??
    maxLength ??
    generationConfig['max_new_tokens'] ??
    generationConfig['max_length'];
  return (said ?? undefined) === undefined
    ? { maxNewTokens: Math.min(usualTokens, Math.floor(maxPositions / 2)) }
    : {};
}

function vocabularyOf({ model, tokenizer, featureExtractor }: RecognitionParts): SpeechVocabulary {
  const { generationConfig = {}, config } = model;
  const { windowLength = 30, samplingRate } = featureExtractor;
  const none = generationConfig['no_timestamps_token_id'];
  const firstStamp = typeof none === 'number' ? none + 1 : Infinity;
  const ids = isObject(generationConfig['lang_to_id']) ? generationConfig['lang_to_id'] : {};
  const named = Object.entries(ids).flatMap(([token, id]): [number, string][] => {
    const name = languageNames.get(token.replaceAll(/[<|>]/g, ''));
    return typeof id === 'number' && name !== undefined ? [[id, name]] : [];
  });
  const precision = windowLength / samplingRate / Number(config['max_source_positions'] ?? 1500);
  return {
    tokenizer,
    firstStamp,
    languages: new Map(named),
    isSpecial: (token) =>
      token < firstStamp &&
      tokenizer.decode([token]) === '' &&
      tokenizer.decode([token], { skipSpecialTokens: false }) !== '',
    precision,
    // As in Hugging Face, whatever the model: 30 seconds of steps of 0.02.
    window: 1500 * precision,
  };
}

function notWhisper(): TransformerError {
  return new TransformerError(
    'MODEL_UNSUPPORTED',
    'preprocessor_config.json makes no spectrograms, which this model takes. Take the file of the model.',
  );
}
