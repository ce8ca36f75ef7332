// A folder of files as what a model learns from: pictures or sounds by label, pictures with their objects, sounds with
// their texts.

import { stat } from 'node:fs/promises';
import {
  FeatureExtractor,
  type Gpu,
  ImageProcessor,
  type ModelInputs,
  type NewHead,
  type Source,
} from '../../index.node.ts';
import { modalitiesOf } from '../../model/architectures.ts';
import { className } from '../../model/heads/head-name.ts';
import { readConfig } from '../../model/read-configs.ts';
import { show } from '../../runtime/print.ts';
import type { JsonObject } from '../../source/json.ts';
import {
  isWithoutTexts,
  soundFiles,
  speechBatch,
  spokenTexts,
} from '../../training/data/audio-folder.ts';
import {
  type DescribedFolder,
  describedFolder,
  type FileKind,
} from '../../training/data/described-files.ts';
import { imageBatch, labelledImages, pictureFiles } from '../../training/data/image-folder.ts';
import { annotatedImages, hasObjects, objectBatch } from '../../training/data/object-folder.ts';
import { labelledSounds, soundBatch } from '../../training/data/sound-folder.ts';
import { loadSpeechProcessor } from '../../training/data/speech-processor.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { labelsOf, tasksFor } from '../describe.ts';
import { UsageError } from '../options.ts';
import type { Learner } from './data.ts';
import { exampleLearner, exampleSet } from './example-set.ts';
import type { RunSettings } from './run-settings.ts';

/** What of the settings of a run says what it learns. */
export type LearnerSettings = Pick<RunSettings, 'recipe' | 'from' | 'data' | 'language'>;

/** How models of a task come to what they learn. */
interface Kind {
  readonly wanted: string;
  readonly files: FileKind;
  readonly learner: (
    folder: NamedFolder,
    settings: LearnerSettings,
    checkpoint: Checkpoint,
  ) => Promise<Learner>;
}

/** A folder that is read, and its path. */
interface NamedFolder extends DescribedFolder {
  readonly path: string;
}

const speech = 'automatic-speech-recognition';

const kinds: Readonly<Record<string, Kind>> = {
  'image-classification': {
    wanted: 'A classifier of pictures learns from a folder with a folder of them for each label',
    files: pictureFiles,
    learner: imageLearner,
  },
  'object-detection': {
    wanted:
      'A detector learns from a folder of pictures, with metadata.jsonl or annotations.json that says where objects are',
    files: pictureFiles,
    learner: objectLearner,
  },
  'audio-classification': {
    wanted: 'A classifier of sounds learns from a folder with a folder of them for each label',
    files: soundFiles,
    learner: soundLearner,
  },
  [speech]: {
    wanted:
      'A model of speech learns from a folder of sounds, with metadata.csv that says their texts, or a folder of them for ' +
      'each label',
    files: soundFiles,
    learner: speechLearner,
  },
};

/**
 * What a model of pictures or of speech learns from; undefined of a model of texts.
 * Errors: UsageError where that is no folder, or where a model of texts was given one; FILE_*, INPUT_INVALID.
 */
export async function folderLearner(
  settings: LearnerSettings,
  source: Source,
): Promise<Learner | undefined> {
  const { data, from } = settings;
  if (from === undefined) return undefined;
  const config = await readConfig(source, undefined);
  const tasks = await tasksFor(config, className(config) ?? null);
  const isFolder = data !== undefined && (await isDirectory(data));
  const own = Object.keys(kinds).find((task) => tasks.includes(task));
  const other = isFolder ? await classifierOf(config) : undefined;
  const kind = kinds[own ?? other ?? ''];
  if (kind !== undefined) {
    const { wanted, files, learner } = kind;
    if (!isFolder) throw new UsageError(`${wanted}; --data is ${show(data ?? 'missing')}.`);
    const folder = { path: data, ...(await describedFolder(data, files, undefined)) };
    return learner(folder, settings, { source, config });
  }
  if (!isFolder) return undefined;
  throw new UsageError(
    `--data is the folder ${data}, from which classifiers of pictures or sounds, detectors and models of speech learn; ` +
      '--from is another model. Pass a file.',
  );
}

/** What a model without a task becomes by a head for labels: whatever sees or hears can be given one. */
async function classifierOf(config: JsonObject): Promise<string | undefined> {
  const given = await modalitiesOf(config);
  if (given.includes('image')) return 'image-classification';
  return given.includes('sound') ? 'audio-classification' : undefined;
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
  folder: NamedFolder,
  settings: LearnerSettings,
  checkpoint: Checkpoint,
): Promise<Learner> {
  if (hasObjects(folder)) return objectLearner(folder, settings, checkpoint);
  const processor = await ImageProcessor.load(checkpoint.source);
  const { images, labels } = labelledImages(folder);
  return labelLearner(folder.path, settings, checkpoint, {
    labels,
    examples: images,
    batchOf: (gpu, some) => imageBatch(gpu, processor, some),
    unit: 'pictures',
  });
}

async function objectLearner(
  folder: NamedFolder,
  { recipe }: LearnerSettings,
  { source, config }: Checkpoint,
): Promise<Learner> {
  const processor = await ImageProcessor.load(source);
  const { images, labels: own } = await annotatedImages(folder);
  const { labels, numbers, head } = labelsFor(own, config, {
    seed: recipe.seed,
    of: 'object',
  });
  const annotated = images.map((one) => ({
    ...one,
    classLabels: one.classLabels.map((label) => numbers[label] ?? -1),
  }));
  return exampleLearner({ source, ...(head && { head }) }, recipe, ({ gpu }) =>
    exampleSet(folder.path, annotated, (some) => objectBatch(gpu, processor, some), {
      unit: `pictures with objects of ${labels.length} labels`,
    }),
  );
}

async function soundLearner(
  folder: NamedFolder,
  settings: LearnerSettings,
  checkpoint: Checkpoint,
): Promise<Learner> {
  const extractor = await FeatureExtractor.load(checkpoint.source);
  const { sounds, labels } = labelledSounds(folder);
  return labelLearner(folder.path, settings, checkpoint, {
    labels,
    examples: sounds,
    batchOf: (gpu, some) => soundBatch(gpu, extractor, some),
    unit: 'sounds',
  });
}

/** What is in a folder by label, and how it becomes a batch. */
interface Labelled<Example> {
  readonly labels: readonly string[];
  readonly examples: readonly Example[];
  readonly batchOf: (gpu: Gpu, examples: readonly Example[]) => Promise<ModelInputs>;
  readonly unit: string;
}

/** Learns the classes of a folder by the numbers that a model has for them. */
function labelLearner<Example extends { readonly label: number }>(
  folder: string,
  { recipe }: LearnerSettings,
  { source, config }: Checkpoint,
  { labels: own, examples, batchOf, unit }: Labelled<Example>,
): Learner {
  const { labels, numbers, head } = labelsFor(own, config, {
    seed: recipe.seed,
    of: 'sequence',
  });
  const labelled = examples.map((one) => ({ ...one, label: numbers[one.label] ?? -1 }));
  return exampleLearner({ source, ...(head && { head }) }, recipe, ({ gpu }) =>
    exampleSet(folder, labelled, (some) => batchOf(gpu, some), {
      unit: `${unit} of ${labels.length} labels`,
    }),
  );
}

async function speechLearner(
  folder: NamedFolder,
  settings: LearnerSettings,
  checkpoint: Checkpoint,
): Promise<Learner> {
  // What hears speech can learn labels, too.
  if (isWithoutTexts(folder)) return soundLearner(folder, settings, checkpoint);
  const { recipe, language } = settings;
  const { source } = checkpoint;
  const processor = await loadSpeechProcessor(source);
  const tokenizer = await Tokenizer.load(source, undefined);
  const spoken = spokenTexts(folder);
  const said = { ...(language !== undefined && { language }) };
  // What cannot be written is told before anything is learned.
  for (const { text } of spoken) await processor.labels(text, said);
  return exampleLearner({ source, tokenizer }, recipe, ({ gpu }) =>
    exampleSet(folder.path, spoken, (some) => speechBatch(gpu, processor, some, said), {
      unit: 'sounds with texts',
    }),
  );
}

/** How the classes of a folder stand in a model. */
interface ModelLabels {
  /** What the model tells apart. */
  readonly labels: readonly string[];
  /** The class in the model of each class of the folder. */
  readonly numbers: readonly number[];
  /** Where the model does not name all of them. */
  readonly head?: NewHead;
}

/** The labels of a model where it names all of these, else these, for which it gets a head. */
function labelsFor(
  own: readonly string[],
  config: JsonObject,
  { seed, of }: { readonly seed: number; readonly of: 'sequence' | 'object' },
): ModelLabels {
  const name = className(config) ?? '';
  const isDetector = name.endsWith('ForObjectDetection');
  const known = isDetector === (of === 'object') ? labelsOf(config, name) : [];
  if (own.every((label) => known.includes(label))) {
    return { labels: known, numbers: own.map((label) => known.indexOf(label)) };
  }
  return { labels: own, numbers: [...own.keys()], head: { labels: own, of, seed } };
}
