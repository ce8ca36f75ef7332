// Text in, text out, with an encoder–decoder checkpoint: text2text generation and summarization.

import {
  checkTextOptions,
  type GeneratedText,
  generateRows,
  readsPrefixes,
  streamRow,
  taskSettings,
  type TextOptions,
  withSettings,
} from '../generation.ts';
import { checkText, encodeWhole, listOf, type TaskParts } from '../task.ts';
import { eachText } from '../batches.ts';

/** Gives an array for one text too; with `numReturnSequences` that many entries a text, in order. */
export interface TextToText<Result> {
  (text: string | readonly string[], options?: TextOptions): Promise<Result[]>;
  /** Generates for one text, piece by piece. */
  stream(text: string, options?: TextOptions): AsyncGenerator<string, void, undefined>;
}

/** A text in short. */
export interface Summary {
  /** The summary, special tokens left out. */
  summaryText: string;
}

/** The model's own answer to each text as it stands. */
export function text2textGeneration(parts: TaskParts): TextToText<GeneratedText> {
  return textToText(parts, 'text2text-generation', '', (generatedText) => ({ generatedText }));
}

/** A summary of each text, with the prefix and the settings that config.json has for summaries. */
export function summarization(parts: TaskParts): TextToText<Summary> {
  const prefix = readsPrefixes(parts.model) ? 'summarize: ' : '';
  return textToText(parts, 'summarization', prefix, (summaryText) => ({ summaryText }));
}

function textToText<Result>(
  parts: TaskParts,
  task: string,
  usualPrefix: string,
  resultOf: (text: string) => Result,
): TextToText<Result> {
  const { model, tokenizer } = parts;
  const { prefix = usualPrefix, options: settings } = taskSettings(model, task);
  const encode = (text: unknown): number[] =>
    encodeWhole(parts, prefix + checkText(`The text of ${task}`, text)).ids;
  const settled = (options: TextOptions): TextOptions => {
    checkTextOptions(task, options);
    return withSettings(settings, options);
  };

  const generate = async (
    text: string | readonly string[],
    options: TextOptions = {},
  ): Promise<Result[]> => {
    const generation = settled(options);
    const rows = await eachText(listOf(text), options.signal, encode);
    const found = await generateRows(parts, rows, generation, 'right');
    return found.flat().map(({ ids }) => resultOf(tokenizer.decode(ids)));
  };
  const stream = async function* (
    text: string,
    options: TextOptions = {},
  ): AsyncGenerator<string, void, undefined> {
    yield* streamRow(parts, encode(text), settled(options), 'right');
  };
  return Object.assign(generate, { stream });
}
