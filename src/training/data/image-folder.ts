// Pictures in folders by label, as torchvision's ImageFolder and Hugging Face's "imagefolder" have them, and batches of them.

import { fieldsOf, hasMethod, refuseUnknown, TransformerError } from '../../runtime/errors.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import { show } from '../../runtime/print.ts';
import type { ImageProcessor } from '../../images/image-processor.ts';
import type { ImageInput } from '../../images/read-image.ts';
import type { ModelInputs } from '../../model/model.ts';
import type { DataFolder } from '../../source/folder-files.ts';
import { checkNames } from './class-names.ts';
import { type DescribedFolder, describedFolder, type FileKind } from './described-files.ts';
import { labelledFiles } from './labelled-files.ts';

/** A picture and its class. */
export interface LabelledImage {
  /** The picture, read when it is needed. */
  readonly image: ImageInput;
  /** The number of its class. */
  readonly label: number;
}

/** Pictures of a folder with their classes. */
export interface ImageFolder {
  /** In the order of their paths, or of the table that describes them. */
  readonly images: readonly LabelledImage[];
  /** The name of each class. */
  readonly labels: readonly string[];
}

/** How a folder of pictures is read. */
export interface ImageFolderOptions {
  /** The names of the classes in their order, such as those of a model; sorted names of folders when absent. */
  labels?: readonly string[];
  /** Cancels the call, which then rejects with `ABORTED`. */
  signal?: AbortSignal;
}

/** Files that hold pictures. */
export const pictureFiles: FileKind = {
  fits: /\.(png|jpe?g|webp|gif|avif|tiff?|bmp)$/i,
  what: 'picture',
};

/**
 * The pictures of a folder and their classes: its folders, sorted, whatever lies below them (`cats/1.png`); or, where a
 * table `metadata.csv`, `.tsv`, `.jsonl` or `.parquet` stands beside the pictures, what that says of each `file_name` under
 * `label`, a name or a number. Pictures are read when batches are made.
 * @throws TransformerError FILE_NOT_FOUND, FILE_UNREADABLE, FILE_INVALID, INPUT_INVALID, OPTION_*, ABORTED
 */
export async function imageFolder(
  folder: DataFolder,
  options: ImageFolderOptions = {},
): Promise<ImageFolder> {
  refuseUnknown(options, ['labels', 'signal'], 'option of imageFolder');
  const { labels, signal } = options;
  checkNames(labels);
  return labelledImages(await describedFolder(folder, pictureFiles, signal), labels);
}

/** The same of a folder that is read. Errors: FILE_INVALID, INPUT_INVALID. */
export function labelledImages(folder: DescribedFolder, names?: readonly string[]): ImageFolder {
  const { files, labels } = labelledFiles(folder, names);
  return { images: files.map(({ file, label }) => ({ image: file, label })), labels };
}

/** Errors: INPUT_INVALID for what makes no pixel values of pictures. */
export function checkProcessor(processor: unknown): void {
  if (hasMethod(processor, 'process')) return;
  throw new TransformerError(
    'INPUT_INVALID',
    `The processor is ${show(processor)}; wanted what ImageProcessor.load resolves with.`,
  );
}

/**
 * Pictures as one batch of a classifier of images, made by the processor of its checkpoint: `pixelValues`, and `labels`, (B).
 * @throws TransformerError INPUT_INVALID, FILE_*, OPTION_*, ABORTED, and those of the GPU
 * @example
 * const { images, labels } = await imageFolder('images');
 * const processor = await ImageProcessor.load('hf:google/vit-base-patch16-224');
 * const row = shuffled(images, 1);
 * trainer.steps((step) => imageBatch(gpu, processor, [row(2 * step), row(2 * step + 1)]));
 */
export async function imageBatch(
  gpu: Gpu,
  processor: ImageProcessor,
  images: readonly LabelledImage[],
  options: { signal?: AbortSignal } = {},
): Promise<ModelInputs> {
  refuseUnknown(options, ['signal'], 'option of imageBatch');
  checkProcessor(processor);
  const list = Array.isArray(images) ? Array.from<unknown>(images) : [];
  const rows = list.map((each, index) => {
    const { image, label } = Object.fromEntries(fieldsOf(each, `Image ${index}`));
    if (Number.isSafeInteger(label) && image !== undefined) return { image, label };
    throw new TransformerError(
      'INPUT_INVALID',
      `Image ${index} is ${show(each)}; wanted { image, label }, the number of its class.`,
    );
  });
  const read = rows.map(({ image }) => image as ImageInput);
  const { pixelValues } = await processor.process(gpu, read, options);
  return { pixelValues, labels: rows.map(({ label }) => Number(label)) };
}
