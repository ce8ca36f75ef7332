// Sounds with their texts, as Hugging Face's "audiofolder" has them, and batches of them.

import { readAudio, type AudioInput } from '../../audio/read-audio.ts';
import { fieldsOf, hasMethod, refuseUnknown, TransformerError } from '../../runtime/errors.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import { show } from '../../runtime/print.ts';
import { requireGpu } from '../../runtime/require-gpu.ts';
import { ignoredLabel } from '../../shaders/loss/ignored-label.ts';
import type { ModelInputs } from '../../model/model.ts';
import type { DataFolder } from '../../source/folder-files.ts';
import {
  type DescribedFile,
  type DescribedFolder,
  describedFolder,
  type FileKind,
} from './described-files.ts';
import type { SpeechLabelOptions, SpeechProcessor } from './speech-processor.ts';
import { filledRows } from './filled-rows.ts';
import { columnsOf } from './row-parsers.ts';

/** A sound, and what is said in it. */
export interface SpokenText {
  /** The sound. */
  readonly sound: AudioInput;
  /** What is said in it. */
  readonly text: string;
}

/** Files that hold sound. */
export const soundFiles: FileKind = {
  fits: /\.(wav|mp3|flac|ogg|opus|m4a|aac|webm)$/i,
  what: 'sound',
};

/** What the column of texts is called, the usual name first. */
const columns = ['transcription', 'text', 'sentence'];

/**
 * The sounds of a folder with their texts: a table `metadata.csv`, `.tsv`, `.jsonl` or `.parquet` beside them says of each
 * `file_name` its `transcription`, `text` or `sentence`. Sounds are read when batches are made.
 * @throws TransformerError FILE_NOT_FOUND, FILE_UNREADABLE, FILE_INVALID, INPUT_INVALID, OPTION_UNKNOWN, ABORTED
 */
export async function audioFolder(
  folder: DataFolder,
  options: { signal?: AbortSignal } = {},
): Promise<SpokenText[]> {
  refuseUnknown(options, ['signal'], 'option of audioFolder');
  return spokenTexts(await describedFolder(folder, soundFiles, options.signal));
}

/** The same of a folder that is read. Errors: FILE_INVALID, INPUT_INVALID. */
export function spokenTexts({ described }: DescribedFolder): SpokenText[] {
  if (described === undefined) {
    throw new TransformerError(
      'INPUT_INVALID',
      'The folder has no metadata.csv, which says what each sound says. Write one, with the columns file_name and ' +
        'transcription.',
    );
  }
  return described.map(({ file, row, where }) => {
    const column = columns.find((name) => (row[name] ?? undefined) !== undefined);
    const text = column === undefined ? undefined : row[column];
    if (typeof text === 'string' && text.trim() !== '') return { sound: file, text };
    throw new TransformerError(
      'FILE_INVALID',
      column === undefined
        ? `${where} has ${columnsOf(row)}; wanted what is said, as ${columns.join(', ')}.`
        : `${where} has the ${column} ${show(text)}; wanted what is said. Leave the sound out, or write it.`,
    );
  });
}

/** Whether nothing in a folder says what its sounds say: no table, or one of labels. */
export function isWithoutTexts({ described }: DescribedFolder): boolean {
  const isLabelled = ({ row }: DescribedFile): boolean =>
    row['label'] !== undefined && columns.every((name) => row[name] === undefined);
  return described?.every(isLabelled) ?? true;
}

/**
 * Sounds with their texts as one batch: `inputFeatures` or `inputValues`, and `labels`, (B, L), filled up with -100.
 * @throws TransformerError INPUT_INVALID, also for sounds longer than the model hears at once; FILE_*, OPTION_*, ABORTED,
 *   and those of the GPU
 * @example
 * const spoken = await audioFolder('speech');
 * const processor = await loadSpeechProcessor('hf:openai/whisper-tiny');
 * const row = shuffled(spoken, 1);
 * trainer.steps((step) => speechBatch(gpu, processor, [row(step)], { language: 'fr' }));
 */
export async function speechBatch(
  gpu: Gpu,
  processor: SpeechProcessor,
  spoken: readonly SpokenText[],
  options: SpeechLabelOptions & { signal?: AbortSignal } = {},
): Promise<ModelInputs> {
  requireGpu(gpu);
  gpu.assertUsable();
  refuseUnknown(options, ['language', 'task', 'signal'], 'option of speechBatch');
  if (!hasMethod(processor, 'labels')) {
    throw new TransformerError(
      'INPUT_INVALID',
      `The processor is ${show(processor)}; wanted what loadSpeechProcessor resolves with.`,
    );
  }
  const { signal, ...said } = options;
  const { featureExtractor } = processor;
  const { samplingRate, windowLength = Infinity } = featureExtractor;
  const samples: Float32Array[] = [];
  const labels: number[][] = [];
  for (const { sound, text } of checkSpoken(spoken)) {
    labels.push(await processor.labels(text, said));
    const read = await readAudio(sound, { samplingRate, gpu, ...(signal && { signal }) });
    if (read.length > windowLength) {
      const seconds = (count: number): string => `${(count / samplingRate).toFixed(1)} seconds`;
      throw new TransformerError(
        'INPUT_INVALID',
        `The sound of ${show(text)} has ${seconds(read.length)}; the model hears ${seconds(windowLength)} at once. ` +
          'Cut sound and text into parts.',
      );
    }
    samples.push(read);
  }
  const features = await featureExtractor.features(gpu, samples, signal ? { signal } : {});
  return { ...features, labels: filledRows(labels, ignoredLabel) };
}

function checkSpoken(spoken: unknown): SpokenText[] {
  const list = Array.isArray(spoken) ? Array.from<unknown>(spoken) : [];
  if (list.length === 0) {
    throw new TransformerError(
      'INPUT_INVALID',
      `The sounds are ${show(spoken)}; wanted a list of at least one. Pass [{ sound, text }].`,
    );
  }
  return list.map((each, index) => {
    const { sound, text } = Object.fromEntries(fieldsOf(each, `Sound ${index}`));
    if (typeof text === 'string') return { sound: sound as AudioInput, text };
    throw new TransformerError(
      'INPUT_INVALID',
      `Sound ${index} is ${show(each)}; wanted { sound, text }.`,
    );
  });
}
