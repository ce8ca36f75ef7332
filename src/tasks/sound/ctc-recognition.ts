// Speech recognition label by label: the likeliest of each step ("Connectionist temporal classification", Graves et
// al., 2006, §3.2), of whole sounds, or of parts that overlap, of which the middles count.

import type { AudioFeatures } from '../../audio/feature-extractor.ts';
import type { DenseTensor } from '../../model/inputs/inputs.ts';
import { roundHalfEven } from '../../model/round-half-even.ts';
import { TransformerError } from '../../runtime/errors.ts';
import { isObject, type JsonObject } from '../../source/json.ts';
import { readJson, type Source } from '../../source/source.ts';
import type { RecognitionParts, Recognize } from './automatic-speech-recognition.ts';
import { entryOf } from '../batches.ts';
import { collapse, ctcText, type CtcVocabulary, ctcWords } from './ctc-text.ts';
import { type Cut, cutsOf } from './speech-cuts.ts';
import type { TaskOutput } from '../task.ts';

const task = 'automatic-speech-recognition';

export interface CtcParts extends RecognitionParts {
  readonly model: RecognitionParts['model'] & {
    forward(inputs: AudioFeatures, options?: { signal?: AbortSignal }): Promise<TaskOutput>;
  };
}

/** What labels mean, by tokenizer_config.json and special_tokens_map.json. Errors: FILE_INVALID. */
export async function readCtcVocabulary(
  files: Source,
  signal: AbortSignal | undefined,
): Promise<CtcVocabulary> {
  const [own, map] = await Promise.all(
    ['tokenizer_config.json', 'special_tokens_map.json'].map((file) =>
      readJson(files, file, { signal }),
    ),
  );
  const config: JsonObject = { ...(isObject(map) && map), ...(isObject(own) && own) };
  const text = (name: string, usual: string): string => {
    const value = config[name];
    const content = isObject(value) ? value['content'] : value;
    return typeof content === 'string' ? content : usual;
  };
  return {
    pad: text('pad_token', '<pad>'),
    delimiter: text('word_delimiter_token', '|'),
    space: text('replace_word_delimiter_char', ' '),
    lowers: config['do_lower_case'] === true,
  };
}

export function ctcRecognition(parts: CtcParts, vocabulary: CtcVocabulary): Recognize {
  const { model, tokenizer, featureExtractor } = parts;
  const { samplingRate } = featureExtractor;
  const step = stepOf(model.config);
  return async (samples, options) => {
    const { returnTimestamps = false, chunkLength, stride, onText, signal, ...others } = options;
    const [unused] = Object.entries(others).find(([, value]) => value !== undefined) ?? [];
    if (unused !== undefined) {
      throw new TransformerError(
        'OPTION_INVALID',
        `${unused} is for models that generate; this one labels each step. Leave it out.`,
      );
    }
    if (returnTimestamps === true) {
      throw new TransformerError(
        'OPTION_INVALID',
        "returnTimestamps is true; this model tells the times of labels or of words: pass 'char' or 'word' (--words of the command).",
      );
    }
    const ids: number[] = [];
    const until = signal ? { signal } : {};
    for (const cut of cutsOf(
      samples.length,
      { chunkLength, stride },
      {
        samplingRate,
        windowLength: Infinity,
        step,
      },
    )) {
      const piece = samples.subarray(cut.first, cut.end);
      const features = await featureExtractor.features(model.gpu, piece, until);
      const output = await model.forward(features, until);
      const labels = likeliest(entryOf(output, ['logits'], 0, task));
      ids.push(...(chunkLength ? middle(labels, cut, step) : labels));
    }
    const labels = collapse(tokenizer.tokens(ids), vocabulary);
    const text = ctcText(labels, vocabulary);
    onText?.(text);
    if (returnTimestamps === false) return { text };
    const seconds = (steps: number): number => (steps * step) / samplingRate;
    const timed = returnTimestamps === 'word' ? ctcWords(labels, vocabulary) : labels;
    const chunks = timed.map(({ text: own, start, end }) => ({
      text: own,
      timestamp: [seconds(start), seconds(end)] as [number, number],
    }));
    return { text, chunks };
  };
}

/** Samples from one step to the next. */
function stepOf(config: JsonObject): number {
  const strides: unknown[] = [config['conv_stride'] ?? [5, 2, 2, 2, 2, 2, 2]].flat();
  return strides.reduce<number>((product, stride) => product * Number(stride), 1);
}

/** The likeliest label of each step. logits: (T, V). */
function likeliest({ data, shape: [steps = 0, classes = 0] }: DenseTensor): number[] {
  return Array.from({ length: steps }, (_, step) => {
    const own = data.subarray(step * classes, (step + 1) * classes);
    return own.indexOf(Math.max(...own));
  });
}

/** The labels of what a part does not share with its neighbours. */
function middle(
  labels: readonly number[],
  { first, end, left, right }: Cut,
  step: number,
): number[] {
  const steps = roundHalfEven((end - first) / step);
  const share = (samples: number): number => roundHalfEven((samples / (end - first)) * steps);
  return labels.slice(share(left), steps - share(right));
}
