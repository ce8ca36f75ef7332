// Pictures in a folder with the objects in them, as Hugging Face's "imagefolder" and COCO have them, and batches of them.

import type { ImageProcessor } from '../../images/image-processor.ts';
import type { Pixels } from '../../images/pixels.ts';
import { type ImageInput, readImage } from '../../images/read-image.ts';
import type { DenseTensor } from '../../model/inputs/inputs.ts';
import type { ImageObjects, ModelInputs } from '../../model/model.ts';
import { fieldsOf, refuseUnknown, TransformerError } from '../../runtime/errors.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import { isListOf } from '../../runtime/lists.ts';
import { show } from '../../runtime/print.ts';
import { requireGpu } from '../../runtime/require-gpu.ts';
import type { DataFolder } from '../../source/folder-files.ts';
import { isFileInput, nameOf } from '../../source/read-bytes.ts';
import { checkNames, classesOf, classesByName } from './class-names.ts';
import { cocoFile, cocoObjects } from './coco.ts';
import { type DescribedFolder, describedFolder } from './described-files.ts';
import { checkProcessor, type ImageFolderOptions, pictureFiles } from './image-folder.ts';
import { checkBox, isWithin, locatedObjects } from './located-objects.ts';

/** A picture and what there is in it. */
export interface AnnotatedImage {
  /** The picture, read when it is needed. */
  readonly image: ImageInput;
  /** The number of the class of each object; none where nothing is to be found. */
  readonly classLabels: readonly number[];
  /** Where each is: its left and upper edge, its width and height, in pixels of the picture. */
  readonly boxes: readonly (readonly number[])[];
}

/** Pictures of a folder with their objects. */
export interface ObjectFolder {
  /** In the order of the table that describes them. */
  readonly images: readonly AnnotatedImage[];
  /** The name of each class. */
  readonly labels: readonly string[];
}

/**
 * The pictures of a folder and the objects in them. Either a table `metadata.jsonl` (or `.parquet`) says of each `file_name`
 * `objects: { bbox: [[left, upper, width, height], …], categories: [label, …] }`, in pixels, labels being names or numbers; or
 * `annotations.json` does, as COCO has it, with the labels of its `categories`. Pictures may be without objects, with empty
 * lists; what stands for a crowd (`iscrowd`) is left out. Pictures are read when batches are made.
 * @throws TransformerError FILE_NOT_FOUND, FILE_UNREADABLE, FILE_INVALID, INPUT_INVALID, OPTION_*, ABORTED
 */
export async function objectFolder(
  folder: DataFolder,
  options: ImageFolderOptions = {},
): Promise<ObjectFolder> {
  refuseUnknown(options, ['labels', 'signal'], 'option of objectFolder');
  const { labels, signal } = options;
  checkNames(labels);
  return annotatedImages(await describedFolder(folder, pictureFiles, signal), options);
}

/** Whether something says where the objects of a folder's pictures are. */
export function hasObjects({ files, described }: DescribedFolder): boolean {
  const isOfObjects = described?.some(({ row }) => row['objects'] !== undefined) === true;
  return isOfObjects || cocoFile(files) !== undefined;
}

/** The same as `objectFolder`, of a folder that is read. */
export async function annotatedImages(
  { files, described, kind }: DescribedFolder,
  { labels: given, signal }: ImageFolderOptions = {},
): Promise<ObjectFolder> {
  const table = cocoFile(files);
  if (table !== undefined && described !== undefined) {
    const message = `The folder has ${table.path} and a table of metadata. Leave one of them.`;
    throw new TransformerError('FILE_INVALID', message);
  }
  if (table === undefined && described === undefined) {
    throw new TransformerError(
      'INPUT_INVALID',
      'The folder says nothing of objects. Write metadata.jsonl, with file_name and objects: { bbox, categories } in each ' +
        "row, or COCO's annotations.json.",
    );
  }
  const coco = table && (await cocoObjects(files, table, { fits: kind.fits, signal }));
  const pictures = coco?.pictures ?? described?.map(locatedObjects) ?? [];
  const objects = pictures.flatMap((picture) => picture.objects);
  if (objects.length === 0) {
    throw new TransformerError(
      'INPUT_INVALID',
      'No picture of the folder has an object, which leaves nothing to find. Pass one with some.',
    );
  }
  const { numbers, labels } = coco
    ? classesByName(objects, given ?? coco.labels)
    : classesOf(objects, given);
  let first = 0;
  const images = pictures.map((picture) => {
    const classLabels = numbers.slice(first, (first += picture.objects.length));
    return { image: picture.image, classLabels, boxes: picture.objects.map(checkBox) };
  });
  return { images, labels };
}

/**
 * Pictures and their objects as one batch of a detector, made by the processor of its checkpoint: `pixelValues`, and
 * `labels`, `{ classLabels, boxes }` of each picture. Those that become unlike sizes are filled up with 0 on the right and
 * below, and boxes are parts of what that makes, as transformers has it. A box may stand out of its picture by a pixel, which
 * is cut off.
 * @throws TransformerError INPUT_INVALID, also for boxes outside of their picture; FILE_*, OPTION_*, ABORTED, and those of the
 *   GPU
 * @example
 * const { images, labels } = await objectFolder('street');
 * const processor = await ImageProcessor.load('hf:hustvl/yolos-tiny');
 * const row = shuffled(images, 1);
 * trainer.steps((step) => objectBatch(gpu, processor, [row(2 * step), row(2 * step + 1)]));
 */
export async function objectBatch(
  gpu: Gpu,
  processor: ImageProcessor,
  images: readonly AnnotatedImage[],
  options: { signal?: AbortSignal } = {},
): Promise<ModelInputs> {
  requireGpu(gpu);
  gpu.assertUsable();
  refuseUnknown(options, ['signal'], 'option of objectBatch');
  checkProcessor(processor);
  const { signal } = options;
  const rows = checkAnnotated(images);
  const pictures: Pixels[] = [];
  const objects: ImageObjects[] = [];
  for (const [index, { image, classLabels, boxes }] of rows.entries()) {
    const picture = await readImage(gpu, image, signal);
    const name = isFileInput(image) ? nameOf(image) : `Image ${index}`;
    pictures.push(picture);
    objects.push({ classLabels, boxes: boxes.map((box) => partOf(picture, box, name)) });
  }
  const sizes = pictures.map(({ height, width }) => processor.sizeOf([height, width]));
  const [height, width] = [0, 1].map((side) =>
    sizes.reduce((most, size) => Math.max(most, size[side] ?? 0), 0),
  ) as [number, number];
  if (sizes.every((size) => size[0] === height && size[1] === width)) {
    return { pixelValues: await processor.pixelValues(gpu, pictures, signal), labels: objects };
  }
  const values: DenseTensor[] = [];
  for (const one of pictures) values.push(await processor.pixelValues(gpu, [one], signal));
  const labels = objects.map(({ classLabels, boxes }, index) => {
    const [own = height, wide = width] = sizes[index] ?? [];
    const factors = [wide / width, own / height, wide / width, own / height];
    const within = boxes.map((box) => box.map((value, side) => value * (factors[side] ?? 1)));
    return { classLabels, boxes: within };
  });
  return { pixelValues: filled(values, [height, width]), labels };
}

/** Pixel values of pictures, one each, as a batch of this size, each in the upper left corner. */
function filled(
  values: readonly DenseTensor[],
  [height, width]: readonly [number, number],
): DenseTensor {
  const channels = values[0]?.shape[1] ?? 0;
  const data = new Float32Array(values.length * channels * height * width);
  for (const [index, { data: own, shape }] of values.entries()) {
    const [, , rows = 0, columns = 0] = shape;
    for (let row = 0; row < channels * rows; row++) {
      const plane = index * channels + Math.floor(row / rows);
      const at = (plane * height + (row % rows)) * width;
      data.set(own.subarray(row * columns, (row + 1) * columns), at);
    }
  }
  return { data, shape: [values.length, channels, height, width] };
}

/** A box in pixels as centre and size in parts of its picture. Errors: INPUT_INVALID. */
function partOf(picture: Pixels, box: readonly number[], name: string): number[] {
  const { width, height } = picture;
  const [left = 0, upper = 0, wide = 0, tall = 0] = box;
  const cut = (value: number, most: number): number => Math.min(Math.max(value, 0), most);
  const [x0, x1] = [cut(left, width), cut(left + wide, width)];
  const [y0, y1] = [cut(upper, height), cut(upper + tall, height)];
  if (isWithin(box, picture) && x1 > x0 && y1 > y0) {
    return [(x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height];
  }
  throw new TransformerError(
    'INPUT_INVALID',
    `${name} has the box ${show(box)}, which is not within its ${width} × ${height} pixels. Boxes are ` +
      '[left, upper, width, height] in pixels of the picture.',
  );
}

function checkAnnotated(images: unknown): AnnotatedImage[] {
  const list = Array.isArray(images) ? Array.from<unknown>(images) : [];
  if (list.length === 0) {
    throw new TransformerError(
      'INPUT_INVALID',
      `The images are ${show(images)}; wanted a list of at least one. Pass [{ image, classLabels, boxes }].`,
    );
  }
  return list.map((each, index) => {
    const row = Object.fromEntries(fieldsOf(each, `Image ${index}`));
    const { image, classLabels, boxes } = row;
    const isBox = (box: unknown): box is number[] =>
      isListOf(box, (value) => Number.isFinite(value)) && box.length === 4;
    if (
      isListOf(classLabels, (label): label is number => Number.isSafeInteger(label)) &&
      isListOf(boxes, isBox) &&
      boxes.length === classLabels.length
    ) {
      return { image: image as ImageInput, classLabels, boxes };
    }
    throw new TransformerError(
      'INPUT_INVALID',
      `Image ${index} is ${show(each)}; wanted { image, classLabels, boxes }, the number of the class of each object and ` +
        'as many boxes of four numbers.',
    );
  });
}
