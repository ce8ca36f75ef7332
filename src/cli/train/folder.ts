// A folder of files as what a model learns from: pictures by label, sounds with their texts.

import { stat } from 'node:fs/promises';
import { ImageProcessor, type NewHead, type Source } from '../../index.node.ts';
import { modalitiesOf } from '../../model/architectures.ts';
import { className } from '../../model/heads/head-name.ts';
import { readConfig } from '../../model/read-configs.ts';
import { show } from '../../runtime/print.ts';
import type { JsonObject } from '../../source/json.ts';
import { audioFolder, speechBatch } from '../../training/data/audio-folder.ts';
import { imageBatch, type ImageFolder, imageFolder } from '../../training/data/image-folder.ts';
import { loadSpeechProcessor } from '../../training/data/speech-processor.ts';
import { labelsOf, tasksFor } from '../describe.ts';
import { UsageError } from '../options.ts';
import type { Learner } from './data.ts';
import { inOrder } from './rows.ts';
import type { TrainSettings } from './settings.ts';

/** How models of a task come to what they learn. */
interface Kind {
  readonly wanted: string;
  readonly learner: (
    folder: string,
    settings: TrainSettings,
    checkpoint: Checkpoint,
  ) => Promise<Learner>;
}

const kinds: Readonly<Record<string, Kind>> = {
  'image-classification': {
    wanted: 'A classifier of pictures learns from a folder with a folder of them for each label',
    learner: imageLearner,
  },
  'automatic-speech-recognition': {
    wanted:
      'A model of speech learns from a folder of sounds, with metadata.csv that says their texts',
    learner: speechLearner,
  },
};

/**
 * What a model of pictures or of speech learns from; undefined of a model of texts.
 * Errors: UsageError where that is no folder, or where a model of texts was given one; FILE_*, INPUT_INVALID.
 */
export async function folderLearner(
  settings: TrainSettings,
  source: Source,
): Promise<Learner | undefined> {
  const { data, from } = settings;
  if (from === undefined) return undefined;
  const config = await readConfig(source, undefined);
  const tasks = await tasksFor(config, className(config) ?? null);
  const isFolder = data !== undefined && (await isDirectory(data));
  // Whatever sees pictures can be given a head for labels.
  const sees = isFolder && (await modalitiesOf(config)).includes('image');
  const kind = Object.keys(kinds).find((task) => tasks.includes(task));
  const { wanted, learner } = kinds[kind ?? (sees ? 'image-classification' : '')] ?? {};
  if (learner !== undefined) {
    if (isFolder) return learner(data, settings, { source, config });
    throw new UsageError(`${wanted}; --data is ${show(data ?? 'missing')}.`);
  }
  if (!isFolder) return undefined;
  throw new UsageError(
    `--data is the folder ${data}, from which classifiers of pictures and models of speech learn; --from is another ` +
      'model. Pass a file.',
  );
}

async function isDirectory(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() === true;
}

interface Checkpoint {
  readonly source: Source;
  readonly config: JsonObject;
}

async function imageLearner(
  folder: string,
  { recipe: { seed, batchSize } }: TrainSettings,
  { source, config }: Checkpoint,
): Promise<Learner> {
  const processor = await ImageProcessor.load(source);
  const { images, labels, head } = await labelledImages(folder, config, seed);
  return {
    source,
    ...(head && { head }),
    data: ({ gpu }) =>
      inOrder(folder, images, {
        seed,
        batchSize,
        batchOf: (some) => imageBatch(gpu, processor, some),
        unit: `pictures of ${labels.length} labels`,
      }),
  };
}

async function speechLearner(
  folder: string,
  { recipe: { seed, batchSize }, language }: TrainSettings,
  { source }: Checkpoint,
): Promise<Learner> {
  const processor = await loadSpeechProcessor(source);
  const spoken = await audioFolder(folder);
  const said = { ...(language !== undefined && { language }) };
  // What cannot be written is told before anything is learned.
  for (const { text } of spoken) await processor.labels(text, said);
  return {
    source,
    data: ({ gpu }) =>
      inOrder(folder, spoken, {
        seed,
        batchSize,
        batchOf: (some) => speechBatch(gpu, processor, some, said),
        unit: 'sounds with texts',
      }),
  };
}

/** Pictures by the labels of a model where it names them all, else by their own, for which it gets a head. */
async function labelledImages(
  folder: string,
  config: JsonObject,
  seed: number,
): Promise<ImageFolder & { readonly head?: NewHead }> {
  const known = labelsOf(config, className(config) ?? null);
  const own = await imageFolder(folder);
  if (!own.labels.every((name) => known.includes(name))) {
    return { ...own, head: { labels: own.labels, seed } };
  }
  const numbers = own.labels.map((name) => known.indexOf(name));
  const images = own.images.map(({ image, label }) => ({ image, label: numbers[label] ?? -1 }));
  return { images, labels: known };
}
