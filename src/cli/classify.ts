// webgpu-transformer classify: labels of texts, those a classifier was trained on or any others.

import { type LabelScore, TransformerError } from '../index.node.ts';
import { interruptible } from './interruption.ts';
import { openPipeline, sourceAndTexts } from './load.ts';
import { dtypeOption, readOptions, taskOptions, wholeOption } from './options.ts';
import { textGroups } from './texts.ts';

/** Gives the labels of each text, the best first. */
interface Classify extends Disposable {
  (texts: readonly string[]): Promise<LabelScore[][]>;
}

/** Prints a line a text: labels and scores between tabs. @throws TransformerError */
export async function classify(args: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions({
    args: [...args],
    allowPositionals: true,
    options: {
      ...taskOptions,
      labels: { type: 'string' },
      'top-k': { type: 'string' },
      truncate: { type: 'boolean', default: false },
    },
  });
  const { source, texts } = sourceAndTexts(positionals, 'classify SOURCE "TEXT"');
  const { json, labels, truncate } = values;
  const topK = wholeOption('--top-k', values['top-k'], 1);
  const dtype = dtypeOption(values.dtype);
  if (labels !== undefined && truncate) {
    throw new TransformerError(
      'OPTION_INVALID',
      '--truncate changes nothing with --labels, where texts are always cut. Leave it out.',
    );
  }
  await interruptible(async (signal) => {
    using labelsOf = await openClassifier(source, labels, { dtype, signal, topK, truncate });
    for await (const group of textGroups(texts, signal)) {
      for (const [index, scores] of (await labelsOf(group)).entries()) {
        const line = scores.map(({ label, score }) => `${label}\t${score.toFixed(4)}`).join('\t');
        console.log(json ? JSON.stringify({ text: group[index], labels: scores }) : line);
      }
    }
  });
}

interface Settings {
  readonly dtype: 'f32' | 'f16' | undefined;
  readonly signal: AbortSignal;
  readonly topK: number | undefined;
  readonly truncate: boolean;
}

/** A classifier of the labels it was trained on, or of any that are given. */
async function openClassifier(
  source: string,
  labels: string | undefined,
  { dtype, signal, topK, truncate }: Settings,
): Promise<Classify> {
  if (labels === undefined) {
    const task = await openPipeline('text-classification', source, { dtype, signal });
    const options = { topK: topK ?? 1, truncation: truncate, signal };
    return Object.assign((texts: readonly string[]) => task(texts, options), {
      [Symbol.dispose]: () => task.dispose(),
    });
  }
  const task = await openPipeline('zero-shot-classification', source, { dtype, signal });
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
