// webgpu-transformer classify: labels of texts, those a classifier was trained on or any others.

import type { LabelScore } from '../../index.node.ts';
import { aboutSources, type Command } from '../command.ts';
import { interruptible } from '../interruption.ts';
import { type OpenOptions, openPipeline } from '../load.ts';
import {
  dtypeOption,
  flagOption,
  readOptions,
  sourceAndTexts,
  taskOptions,
  textOption,
  topKOption,
  UsageError,
  wholeOption,
} from '../options.ts';
import { textGroups } from '../texts.ts';

/** Gives the labels of each text, the best first. */
interface Classify extends Disposable {
  (texts: readonly string[]): Promise<LabelScore[][]>;
}

const options = {
  labels: textOption('A,B,C', 'any labels, for checkpoints trained on inference (zero-shot)'),
  'top-k': topKOption('1; with --labels all'),
  truncate: flagOption('cut texts that are too long'),
  ...taskOptions,
};

export const classify: Command = {
  form: 'classify SOURCE "TEXT"',
  summary: 'labels of a text, those a classifier was trained on or any others',
  details: `Prints labels and scores between tabs, a line a text. ${aboutSources}`,
  options,
  examples: [
    { call: 'classify DIR "What a film!"' },
    { call: 'classify DIR --labels sports,politics --json < lines.txt' },
  ],
  run,
};

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions(args, options);
  const { source, texts } = sourceAndTexts(positionals, classify.form);
  const { json, labels, truncate, adapter, quiet } = values;
  const topK = wholeOption('--top-k', values['top-k'], 1);
  const dtype = dtypeOption(values.dtype);
  if (labels !== undefined && truncate) {
    throw new UsageError(
      '--truncate changes nothing with --labels, where texts are always cut. Leave it out.',
    );
  }
  await interruptible(async (signal) => {
    using labelsOf = await openClassifier(source, labels, {
      dtype,
      signal,
      adapter,
      quiet,
      topK,
      truncate,
    });
    for await (const group of textGroups(texts, signal)) {
      for (const [index, scores] of (await labelsOf(group)).entries()) {
        const line = scores.map(({ label, score }) => `${label}\t${score.toFixed(4)}`).join('\t');
        console.log(json ? JSON.stringify({ text: group[index], labels: scores }) : line);
      }
    }
  });
}

interface Settings extends OpenOptions {
  readonly signal: AbortSignal;
  readonly topK: number | undefined;
  readonly truncate: boolean;
}

/** A classifier of the labels it was trained on, or of any that are given. */
async function openClassifier(
  source: string,
  labels: string | undefined,
  { topK, truncate, ...opening }: Settings,
): Promise<Classify> {
  const { signal } = opening;
  if (labels === undefined) {
    const task = await openPipeline('text-classification', source, opening);
    const settings = { topK: topK ?? 1, truncation: truncate, signal };
    return Object.assign((texts: readonly string[]) => task(texts, settings), {
      [Symbol.dispose]: () => task.dispose(),
    });
  }
  const task = await openPipeline('zero-shot-classification', source, opening);
  const classifyTexts = async (texts: readonly string[]): Promise<LabelScore[][]> => {
    const results = await task(texts, labels, { signal });
    return results.map((result) =>
      result.labels
        .map((label, index) => ({ label, score: result.scores[index] ?? 0 }))
        .slice(0, topK),
    );
  };
  return Object.assign(classifyTexts, { [Symbol.dispose]: () => task.dispose() });
}
