// webgpu-transformer see: what pictures show.

import type { DetectedObject, LabelScore } from '../../index.node.ts';
import type { Command } from '../command.ts';
import { interruptible } from '../interruption.ts';
import { type OpenOptions, openPipeline } from '../load.ts';
import {
  dtypeOption,
  flagOption,
  positiveOption,
  readOptions,
  sourceAndTexts,
  taskOptions,
  textOption,
  topKOption,
  UsageError,
  wholeOption,
} from '../options.ts';
import { textGroups } from '../texts.ts';

const options = {
  caption: flagOption('write about each picture, or read what is written there'),
  detect: flagOption('find objects, with a detector: a line each'),
  labels: textOption('A,B,C', 'any labels, for models of texts and images (zero-shot)'),
  'top-k': topKOption('5; with --labels all'),
  threshold: textOption('X', 'the least score of an object, from 0 to 1 (0.5)'),
  ...taskOptions,
};

export const see: Command = {
  form: 'see SOURCE FILE…',
  summary: 'what pictures show: labels of a classifier or any others, objects, or a text',
  details:
    'Prints labels and scores between tabs, a line a file; objects with file, label, score and the left, upper, ' +
    'right and lower edge in pixels. SOURCE is a folder, a URL or ' +
    'hf:owner/name@revision, FILE a path or a URL. Without files, lines of stdin name them. The package sharp ' +
    'decodes them; install it beside this one.',
  options,
  examples: [
    { call: 'see DIR cat.jpg' },
    { call: 'see DIR https://host/cat.png --labels cat,dog --json' },
    { call: 'see DIR cat.jpg --detect --threshold 0.9' },
    { call: 'see DIR page.png --caption' },
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
  readonly source: string;
  readonly opening: OpenOptions & { readonly signal: AbortSignal };
  readonly labels: string | undefined;
  readonly topK: number | undefined;
  readonly threshold: number | undefined;
}

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions(args, options);
  const { source, texts: files } = sourceAndTexts(positionals, see.form);
  const { caption, detect, json, labels, adapter, quiet } = values;
  const topK = wholeOption('--top-k', values['top-k'], 1);
  const threshold = positiveOption('--threshold', values.threshold, 1);
  const dtype = dtypeOption(values.dtype);
  const way = wayOf({ caption, detect, labels });
  refuseIdle(way, { labels, 'top-k': topK, threshold });
  await interruptible(async (signal) => {
    const opening = { adapter, dtype, signal, quiet };
    using look = await ways[way].open({ source, opening, labels, topK, threshold });
    for await (const group of textGroups(files, signal)) {
      for (const [index, { lines, fields }] of (await look(group)).entries()) {
        const printed = json ? [JSON.stringify({ file: group[index], ...fields })] : lines;
        for (const line of printed) console.log(line);
      }
    }
  });
}

interface Way {
  readonly open: (settings: Settings) => Promise<Look>;
  /** The options that change what it sees. */
  readonly takes: readonly string[];
}

const ways = {
  labels: { open: classifier, takes: ['top-k'] },
  '--labels': { open: matcher, takes: ['labels', 'top-k'] },
  '--detect': { open: detector, takes: ['threshold'] },
  '--caption': { open: writer, takes: [] },
} as const satisfies Readonly<Record<string, Way>>;

/** What is asked for: at most one of these options. */
function wayOf(given: {
  readonly caption: boolean;
  readonly detect: boolean;
  readonly labels: string | undefined;
}): keyof typeof ways {
  const asked = (
    [
      ['--caption', given.caption],
      ['--detect', given.detect],
      ['--labels', given.labels !== undefined],
    ] as const
  ).filter(([, isAsked]) => isAsked);
  const [first, second] = asked;
  if (second === undefined) return first?.[0] ?? 'labels';
  throw new UsageError(
    `${first?.[0] ?? ''} and ${second[0]} are two things. Ask for one at a time.`,
  );
}

/** Refuses options that change nothing. */
function refuseIdle(way: keyof typeof ways, given: Readonly<Record<string, unknown>>): void {
  const takes: readonly string[] = ways[way].takes;
  const idle = Object.entries(given).find(
    ([name, value]) => value !== undefined && !takes.includes(name),
  );
  if (idle === undefined) return;
  const where = way === 'labels' ? 'without --detect' : `with ${way}`;
  throw new UsageError(`--${idle[0]} changes nothing ${where}. Leave it out.`);
}

/** Looks for the labels that a classifier was trained on. */
async function classifier({ source, opening, topK }: Settings): Promise<Look> {
  const { signal } = opening;
  const task = await openPipeline('image-classification', source, opening);
  const look = async (files: readonly string[]): Promise<Sight[]> =>
    (await task(files, { ...(topK && { topK }), signal })).map(labelled);
  return Object.assign(look, { [Symbol.dispose]: () => task.dispose() });
}

/** Looks for any labels. */
async function matcher({ source, opening, labels = '', topK }: Settings): Promise<Look> {
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

/** Looks for objects. */
async function detector({ source, opening, threshold }: Settings): Promise<Look> {
  const { signal } = opening;
  const task = await openPipeline('object-detection', source, opening);
  const look = async (files: readonly string[]): Promise<Sight[]> => {
    const found = await task(files, { ...(threshold && { threshold }), signal });
    return found.map((objects, index) => ({
      lines: objects.map((object) => objectLine(files[index] ?? '', object)),
      fields: { objects },
    }));
  };
  return Object.assign(look, { [Symbol.dispose]: () => task.dispose() });
}

function objectLine(file: string, { label, score, box }: DetectedObject): string {
  const { xmin, ymin, xmax, ymax } = box;
  return [file, label, score.toFixed(4), xmin, ymin, xmax, ymax].join('\t');
}

/** Writes about pictures. */
async function writer({ source, opening }: Settings): Promise<Look> {
  const { signal } = opening;
  const task = await openPipeline('image-to-text', source, opening);
  const look = async (files: readonly string[]): Promise<Sight[]> => {
    const texts = (await task(files, { signal })).map(([first]) => first?.generatedText ?? '');
    return texts.map((text) => ({ lines: [text], fields: { text } }));
  };
  return Object.assign(look, { [Symbol.dispose]: () => task.dispose() });
}
