// Where the objects of pictures are, as the rows of a table have it: Hugging Face's layout "imagefolder" for object detection
// (docs of Hugging Face datasets, "Create an image dataset"), `objects: { bbox, categories }`.

import { nearestName, TransformerError } from '../../runtime/errors.ts';
import { isListOf } from '../../runtime/lists.ts';
import { show } from '../../runtime/print.ts';
import { isObject, type JsonObject } from '../../source/json.ts';
import type { FileInput } from '../../source/read-bytes.ts';
import type { ClassNamed } from './class-names.ts';
import { columnOf, type DescribedFile } from './described-files.ts';

/** An object of a picture before it is checked. */
export interface NamedObject extends ClassNamed {
  /** The left and upper edge, width and height, in pixels. */
  readonly box: unknown;
  /** Of its picture, where that is known before it is read. */
  readonly size?: PictureSize;
}

/** In pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** A picture with its objects. */
export interface LocatedObjects {
  readonly image: FileInput;
  readonly objects: readonly NamedObject[];
}

/** What the classes are called, the name of the docs first. */
const classNames = ['categories', 'category'] as const;

/** What else data sets of the Hub have there; the first says which objects stand for a crowd. */
const others = ['iscrowd', 'area', 'id', 'image_id', 'bbox_id'];

/**
 * What the row of a picture says of its objects. What stands for a crowd is left out, as transformers has it.
 * Errors: FILE_INVALID.
 */
export function locatedObjects(described: DescribedFile): LocatedObjects {
  const objects = columnOf(described, 'objects');
  const where = `${described.where}: objects`;
  if (!isObject(objects)) {
    throw invalid(`${where} is ${show(objects, 60)}; wanted { bbox, categories }, a list each`);
  }
  const known = ['bbox', ...classNames, ...others];
  const unknown = Object.keys(objects).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const near = nearestName(unknown, known);
    const hint = near === undefined ? `Known: ${known.join(', ')}.` : `Did you mean ${show(near)}?`;
    throw new TransformerError('FILE_INVALID', `${where} has ${show(unknown)}. ${hint}`);
  }
  const boxes = listIn(objects, 'bbox', where);
  const [column = 'categories', second] = classNames.filter((name) => name in objects);
  if (second !== undefined) {
    throw invalid(`${where} has ${column} and ${second}. Leave one of them`);
  }
  const classes = listIn(objects, column, where);
  const crowds = 'iscrowd' in objects ? listIn(objects, 'iscrowd', where) : [];
  if (classes.length !== boxes.length) {
    const counts = `${boxes.length} bbox and ${classes.length} ${column}`;
    throw invalid(`${where} has ${counts}; wanted as many of both`);
  }
  const all = boxes.map((box, index) => ({
    name: classes[index],
    box,
    where: `${described.where}: object ${index + 1}`,
  }));
  const isCrowd = (index: number): boolean => [1, true].includes(crowds[index] as number);
  return { image: described.file, objects: all.filter((_, index) => !isCrowd(index)) };
}

function listIn(objects: JsonObject, name: string, where: string): readonly unknown[] {
  const list = objects[name];
  if (Array.isArray(list)) return list as readonly unknown[];
  const got = list === undefined ? 'missing' : show(list, 60);
  throw invalid(`${where}: ${name} is ${got}; wanted a list`);
}

/** A box stands out by so many pixels at most: what was rounded does. */
const slack = 1;

/** Whether a box is within its picture. */
export function isWithin(
  [left = NaN, upper = NaN, wide = NaN, tall = NaN]: readonly number[],
  { width, height }: PictureSize,
): boolean {
  return (
    Math.min(left, upper) >= -slack &&
    left + wide <= width + slack &&
    upper + tall <= height + slack
  );
}

/** A box: the left and upper edge, width and height, in pixels. Errors: FILE_INVALID. */
export function checkBox({ box, where, size }: NamedObject): readonly number[] {
  const isBox = isListOf(box, (value): value is number => Number.isFinite(value));
  const [left = NaN, upper = NaN, width = NaN, height = NaN] = isBox ? box : [];
  if (isBox && box.length === 4 && width > 0 && height > 0) {
    if (size === undefined || isWithin(box, size)) return [left, upper, width, height];
    throw invalid(
      `${where} has the bbox ${show(box, 60)}, which is not within the ${size.width} × ${size.height} pixels of its picture`,
    );
  }
  throw invalid(
    `${where} has the bbox ${show(box ?? null, 60)}; wanted [left, upper, width, height] in pixels, the latter two above 0`,
  );
}

function invalid(message: string): TransformerError {
  return new TransformerError('FILE_INVALID', `${message}.`);
}
