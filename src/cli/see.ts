// webgpu-transformer see: what pictures show.

import type { LabelScore } from '../index.node.ts';
import type { Command } from './command.ts';
import { interruptible } from './interruption.ts';
import { type OpenOptions, openPipeline } from './load.ts';
import {
  dtypeOption,
  readOptions,
  sourceAndTexts,
  taskOptions,
  textOption,
  topKOption,
  wholeOption,
} from './options.ts';
import { textGroups } from './texts.ts';

const options = {
  labels: textOption('A,B,C', 'any labels, for models of texts and images (zero-shot)'),
  'top-k': topKOption('5; with --labels all'),
  ...taskOptions,
};

export const see: Command = {
  form: 'see SOURCE FILE…',
  summary: 'what pictures show, by the labels of a classifier or any others',
  details:
    'Prints labels and scores between tabs, a line a file. SOURCE is a folder, a URL or ' +
    'hf:owner/name@revision, FILE a path or a URL. Without files, lines of stdin name them. The package sharp ' +
    'decodes them; install it beside this one.',
  options,
  examples: [
    { call: 'see DIR cat.jpg' },
    { call: 'see DIR https://host/cat.png --labels cat,dog --json' },
  ],
  run,
};

/** What is printed of a picture: as lines, or as an object. */
interface Sight {
  readonly lines: readonly string[];
  readonly fields: object;
}

/** What a model sees in each of some pictures. */
interface Look extends Disposable {
  (files: readonly string[]): Promise<Sight[]>;
}

interface Settings {
  readonly opening: OpenOptions & { readonly signal: AbortSignal };
  readonly topK: number | undefined;
}

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions(args, options);
  const { source, texts: files } = sourceAndTexts(positionals, see.form);
  const { json, labels, quiet } = values;
  const topK = wholeOption('--top-k', values['top-k'], 1);
  const dtype = dtypeOption(values.dtype);
  await interruptible(async (signal) => {
    const settings = { opening: { dtype, signal, quiet }, topK };
    using look = await (labels === undefined
      ? classifier(source, settings)
      : matcher(source, labels, settings));
    for await (const group of textGroups(files, signal)) {
      for (const [index, { lines, fields }] of (await look(group)).entries()) {
        console.log(json ? JSON.stringify({ file: group[index], ...fields }) : lines.join('\n'));
      }
    }
  });
}

/** Looks for the labels that a classifier was trained on. */
async function classifier(source: string, { opening, topK }: Settings): Promise<Look> {
  const { signal } = opening;
  const task = await openPipeline('image-classification', source, opening);
  const look = async (files: readonly string[]): Promise<Sight[]> =>
    (await task(files, { ...(topK && { topK }), signal })).map(labelled);
  return Object.assign(look, { [Symbol.dispose]: () => task.dispose() });
}

/** Looks for any labels. */
async function matcher(source: string, labels: string, { opening, topK }: Settings): Promise<Look> {
  const { signal } = opening;
  const task = await openPipeline('zero-shot-image-classification', source, opening);
  const look = async (files: readonly string[]): Promise<Sight[]> =>
    (await task(files, labels, { signal })).map((all) => labelled(all.slice(0, topK)));
  return Object.assign(look, { [Symbol.dispose]: () => task.dispose() });
}

function labelled(labels: LabelScore[]): Sight {
  const line = labels.map(({ label, score }) => `${label}\t${score.toFixed(4)}`).join('\t');
  return { lines: [line], fields: { labels } };
}
