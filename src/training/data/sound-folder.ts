// Sounds in folders by label, as Hugging Face's "audiofolder" has them, and batches of them.

import type { FeatureExtractor } from '../../audio/feature-extractor.ts';
import { type AudioInput, readAudio } from '../../audio/read-audio.ts';
import { fieldsOf, hasMethod, refuseUnknown, TransformerError } from '../../runtime/errors.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import { show } from '../../runtime/print.ts';
import { requireGpu } from '../../runtime/require-gpu.ts';
import type { ModelInputs } from '../../model/model.ts';
import type { DataFolder } from '../../source/folder-files.ts';
import { soundFiles } from './audio-folder.ts';
import { checkNames } from './class-names.ts';
import { type DescribedFolder, describedFolder } from './described-files.ts';
import { labelledFiles } from './labelled-files.ts';

/** A sound and its class. */
export interface LabelledSound {
  /** A file, or what was recorded. */
  readonly sound: AudioInput;
  /** The number of its class. */
  readonly label: number;
}

/** The sounds of a folder. */
export interface SoundFolder {
  /** In the order of their paths, or of the table that describes them. */
  readonly sounds: readonly LabelledSound[];
  /** The name of each class. */
  readonly labels: readonly string[];
}

/** Options of `soundFolder`. */
export interface SoundFolderOptions {
  /** The names of the classes in their order, such as those of a model; sorted names of folders when absent. */
  labels?: readonly string[];
  /** Ends the call with an `AbortError`. */
  signal?: AbortSignal;
}

/**
 * The sounds of a folder and their classes: its folders, sorted, whatever lies below them (`yes/1.wav`); or, where a table
 * `metadata.csv`, `.tsv`, `.jsonl` or `.parquet` stands beside the sounds, what that says of each `file_name` under `label`, a
 * name or a number. Sounds are read when batches are made. `audioFolder` is for sounds with what is said in them.
 * @throws TransformerError FILE_NOT_FOUND, FILE_UNREADABLE, FILE_INVALID, INPUT_INVALID, OPTION_*, ABORTED
 */
export async function soundFolder(
  folder: DataFolder,
  options: SoundFolderOptions = {},
): Promise<SoundFolder> {
  refuseUnknown(options, ['labels', 'signal'], 'option of soundFolder');
  const { labels, signal } = options;
  checkNames(labels);
  return labelledSounds(await describedFolder(folder, soundFiles, signal), labels);
}

/** The same of a folder that is read. Errors: FILE_INVALID, INPUT_INVALID. */
export function labelledSounds(folder: DescribedFolder, names?: readonly string[]): SoundFolder {
  const { files, labels } = labelledFiles(folder, names);
  return { sounds: files.map(({ file, label }) => ({ sound: file, label })), labels };
}

/**
 * Sounds as one batch of a classifier of sounds, made by the feature extractor of its checkpoint: `inputFeatures` or
 * `inputValues`, and `labels`, (B). What is longer than its window is cut, as for the answers of a pipeline.
 * @throws TransformerError INPUT_INVALID, FILE_*, OPTION_*, ABORTED, and those of the GPU
 * @example
 * const { sounds, labels } = await soundFolder('words');
 * const extractor = await FeatureExtractor.load('hf:facebook/wav2vec2-base');
 * const row = shuffled(sounds, 1);
 * trainer.steps((step) => soundBatch(gpu, extractor, [row(2 * step), row(2 * step + 1)]));
 */
export async function soundBatch(
  gpu: Gpu,
  featureExtractor: FeatureExtractor,
  sounds: readonly LabelledSound[],
  options: { signal?: AbortSignal } = {},
): Promise<ModelInputs> {
  requireGpu(gpu);
  gpu.assertUsable();
  refuseUnknown(options, ['signal'], 'option of soundBatch');
  if (!hasMethod(featureExtractor, 'features')) {
    throw new TransformerError(
      'INPUT_INVALID',
      `The feature extractor is ${show(featureExtractor)}; wanted what FeatureExtractor.load resolves with.`,
    );
  }
  const rows = checkLabelled(sounds);
  const { signal } = options;
  const { samplingRate } = featureExtractor;
  const samples: Float32Array[] = [];
  for (const { sound } of rows) {
    samples.push(await readAudio(sound, { samplingRate, gpu, ...(signal && { signal }) }));
  }
  const features = await featureExtractor.features(gpu, samples, signal ? { signal } : {});
  return { ...features, labels: rows.map(({ label }) => label) };
}

function checkLabelled(sounds: unknown): LabelledSound[] {
  const list = Array.isArray(sounds) ? Array.from<unknown>(sounds) : [];
  if (list.length === 0) {
    throw new TransformerError(
      'INPUT_INVALID',
      `The sounds are ${show(sounds)}; wanted a list of at least one. Pass [{ sound, label }].`,
    );
  }
  return list.map((each, index) => {
    const { sound, label } = Object.fromEntries(fieldsOf(each, `Sound ${index}`));
    if (Number.isSafeInteger(label)) return { sound: sound as AudioInput, label: Number(label) };
    throw new TransformerError(
      'INPUT_INVALID',
      `Sound ${index} is ${show(each)}; wanted { sound, label }, the number of its class.`,
    );
  });
}
