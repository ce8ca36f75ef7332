// Pictures in folders by label, as torchvision's ImageFolder and Hugging Face's "imagefolder" have them, and batches of them.

import {
  fieldsOf,
  hasMethod,
  nearestName,
  refuseUnknown,
  throwIfAborted,
  TransformerError,
} from '../../runtime/errors.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import { show } from '../../runtime/print.ts';
import type { ImageProcessor } from '../../images/image-processor.ts';
import type { ImageInput } from '../../images/read-image.ts';
import type { ModelInputs } from '../../model/model.ts';
import { type DataFolder, filesOfFolder, type FolderFile } from '../../source/folder-files.ts';
import { invalidOption } from '../check.ts';
import { describedFiles } from './described-files.ts';

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

/** A picture and what its class is called, or its number. */
interface NamedImage {
  readonly image: ImageInput;
  readonly name: unknown;
  readonly where: string;
}

const pictures = /\.(png|jpe?g|webp|gif|avif|tiff?|bmp)$/i;

/** Folders that hold parts of a data set, not classes of it. */
const parts = /^(train(ing)?|valid(ation)?|val|dev|eval(uation)?|test(ing)?)$/i;

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
  if (labels !== undefined) checkNames(labels);
  throwIfAborted(signal);
  const files = await filesOfFolder(folder);
  const described = await describedFiles(files, { columns: ['label'], fits: pictures, signal });
  const named =
    described?.map(({ file, row, where }) => ({ image: file, name: row['label'], where })) ??
    inFolders(files);
  const isNumbered = described !== undefined && isNumbers(named, labels);
  const classes = isNumbered ? numbered(named, labels) : byName(named, labels);
  const [first] = classes.images;
  if (first === undefined || classes.images.some(({ label }) => label !== first.label)) {
    return classes;
  }
  throw new TransformerError(
    'INPUT_INVALID',
    `All pictures are of the class ${show(classes.labels[first.label])}, which leaves nothing to tell apart. ` +
      'Pass a folder with two classes at least.',
  );
}

/** The pictures of a folder, each of the class of the folder in it that it lies in. */
function inFolders(files: readonly FolderFile[]): NamedImage[] {
  const all = files.filter(({ path }) => pictures.test(path));
  const invalid = (message: string): TransformerError =>
    new TransformerError('INPUT_INVALID', message);
  if (all.length === 0) {
    throw invalid(
      'The folder holds no pictures. Pass one with a folder of pictures for each class.',
    );
  }
  const folders = new Set(files.map(({ path }) => path.split('/', 1)[0] ?? ''));
  const named = all.map(({ path, file }) => {
    const [name = '', ...below] = path.split('/');
    if (below.length > 0) return { image: file, name, where: path };
    throw invalid(
      `${show(path)} lies in no folder of a class. Move it into one, or describe all files in metadata.csv, ` +
        'with the columns file_name and label.',
    );
  });
  const names = [...new Set(named.map(({ name }) => name))];
  const isSplit = all.every(({ path }) => path.split('/').length > 2);
  if (isSplit && names.every((name) => parts.test(name))) {
    throw invalid(
      `The folder holds parts of a data set, ${names.join(', ')}. Pass one of them, such as ${names.at(-1)}.`,
    );
  }
  const ours = new Set(names);
  const empty = [...folders].find((name) => isFolder(files, name) && !ours.has(name));
  if (empty === undefined) return named;
  throw invalid(`The folder ${show(empty)} holds no pictures. Take it out, or put some in.`);
}

function isFolder(files: readonly FolderFile[], name: string): boolean {
  return files.some(({ path }) => path.startsWith(`${name}/`));
}

/** Whether one of them has the number of its class, as such or in digits that are no name. */
function isNumbers(images: readonly NamedImage[], labels: readonly string[] = []): boolean {
  return images.some(
    ({ name }) =>
      typeof name === 'number' || (/^\d+$/.test(String(name)) && !labels.includes(String(name))),
  );
}

/** Pictures by the numbers of their classes. */
function numbered(
  images: readonly NamedImage[],
  given: readonly string[] | undefined,
): ImageFolder {
  const most = given?.length ?? Infinity;
  const numbers = images.map(({ image, name, where }) => {
    const label = typeof name === 'string' && /^\d+$/.test(name) ? Number(name) : name;
    const isClass = Number.isSafeInteger(label) && Number(label) >= 0 && Number(label) < most;
    if (isClass) return { image, label: Number(label) };
    const wanted = given === undefined ? 'on' : `to ${most - 1}`;
    throw new TransformerError(
      'FILE_INVALID',
      `${where} has the label ${show(name)}; others have numbers. Wanted the number of a class, from 0 ${wanted}.`,
    );
  });
  const count = numbers.reduce((greatest, { label }) => Math.max(greatest, label + 1), 0);
  const labels = given ?? Array.from({ length: count }, (_, index) => String(index));
  return { images: numbers, labels };
}

/** Pictures by the names of their classes. */
function byName(images: readonly NamedImage[], given: readonly string[] | undefined): ImageFolder {
  const names = images.map(({ name, where }) => {
    if (typeof name === 'string' && name.trim() !== '') return name;
    throw new TransformerError(
      'FILE_INVALID',
      `${where} has the label ${show(name)}; wanted the name of a class, or its number.`,
    );
  });
  const labels = given ?? [...new Set(names)].toSorted();
  const classes = new Map(labels.map((name, index) => [name, index]));
  const labelled = images.map(({ image, where }, index) => {
    const name = names[index] ?? '';
    const label = classes.get(name);
    if (label !== undefined) return { image, label };
    const near = nearestName(name, labels);
    throw new TransformerError(
      'INPUT_INVALID',
      `${where} is of the class ${show(name)}, which is none of the labels, ${show(labels)}. ` +
        (near === undefined ? 'Rename it, or leave out labels.' : `Did you mean ${show(near)}?`),
    );
  });
  return { images: labelled, labels };
}

function checkNames(labels: unknown): void {
  const list = Array.isArray(labels) ? Array.from<unknown>(labels) : [];
  const isNames = list.every((name) => typeof name === 'string');
  if (isNames && list.length > 0 && new Set(list).size === list.length) return;
  throw invalidOption('labels', labels, 'a list of names, no two alike');
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
  if (!hasMethod(processor, 'process')) {
    throw new TransformerError(
      'INPUT_INVALID',
      `The processor is ${show(processor)}; wanted what ImageProcessor.load resolves with.`,
    );
  }
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
