// Objects in pictures as COCO's files list them, "Microsoft COCO: Common Objects in Context" (Lin et al., 2014, arXiv
// 1405.0312): images, annotations of them, and the categories that these are of.

import { TransformerError } from '../../runtime/errors.ts';
import { isListOf } from '../../runtime/lists.ts';
import type { FolderFile } from '../../source/folder-files.ts';
import { isObject, type JsonObject, parseJson, show } from '../../source/json.ts';
import { readBytes } from '../../source/read-bytes.ts';
import { filesNamed } from './described-files.ts';
import type { LocatedObjects, NamedObject, PictureSize } from './located-objects.ts';

/** What the file is called: by its usual name, or as tools export it. */
const names = /^(annotations|(_?annotations|instances)\.coco)\.json$/;

/** The file that says where the objects of a folder's pictures are. Errors: FILE_INVALID for several. */
export function cocoFile(files: readonly FolderFile[]): FolderFile | undefined {
  const [first, second] = files.filter(({ path }) => names.test(path));
  if (first === undefined || second === undefined) return first;
  throw invalid(`The folder has ${first.path} and ${second.path}. Leave one of them`);
}

/** What COCO's file says. */
export interface CocoObjects {
  /** One for each image, in their order. */
  readonly pictures: readonly LocatedObjects[];
  /** The names of all categories, in their order. */
  readonly labels: readonly string[];
}

/**
 * The objects that `table` lists, of pictures among `files`. What stands for a crowd is left out, as transformers has it.
 * Errors: FILE_*, ABORTED.
 */
export async function cocoObjects(
  files: readonly FolderFile[],
  table: FolderFile,
  { fits, signal }: { readonly fits: RegExp; readonly signal: AbortSignal | undefined },
): Promise<CocoObjects> {
  const { path } = table;
  const bytes = await readBytes(table.file, signal);
  const value = parseJson(new TextDecoder().decode(bytes), path);
  const listOf = (name: string): JsonObject[] => {
    const list = isObject(value) ? value[name] : undefined;
    if (isListOf(list, isObject)) return list;
    const got = list === undefined ? 'missing' : show(list, 60);
    throw invalid(
      `${path}: ${name} is ${got}; wanted COCO's lists of objects: images, annotations and categories`,
    );
  };
  const categories = byId(listOf('categories'), 'categories', path);
  const labels = [...categories.values()].map(({ name }, index) => {
    if (typeof name === 'string' && name.trim() !== '') return name;
    throw invalid(`categories[${index}] of ${path} has the name ${show(name ?? null)}`);
  });
  const twice = labels.find((name, index) => labels.indexOf(name) !== index);
  if (twice !== undefined) throw invalid(`${path} has two categories ${show(twice)}`);
  const images = byId(listOf('images'), 'images', path);
  const objects = new Map([...images.keys()].map((id) => [id, [] as NamedObject[]]));
  for (const [index, annotation] of listOf('annotations').entries()) {
    const { image_id: image, category_id: category, bbox, iscrowd } = annotation;
    const where = `annotations[${index}] of ${path}`;
    const own = objects.get(image);
    if (own === undefined) {
      throw invalid(`${where} is of the image ${show(image ?? null)}, which images do not have`);
    }
    const name = categories.get(category)?.['name'];
    if (name === undefined) {
      const got = show(category ?? null);
      throw invalid(`${where} is of the category ${got}, which categories do not have`);
    }
    if (iscrowd === 1 || iscrowd === true) continue;
    const size = sizeOf(images.get(image));
    own.push({ name, box: bbox, where, ...(size && { size }) });
  }
  const named = [...images.values()].map(({ file_name: file }, index) => ({
    path: file,
    where: `images[${index}] of ${path}`,
  }));
  const ids = [...images.keys()];
  const pictures = filesNamed(files, named, { table: path, fits }).map(({ file }, index) => ({
    image: file,
    objects: objects.get(ids[index]) ?? [],
  }));
  return { pictures, labels };
}

/** Width and height of an image, where they are told. */
function sizeOf(image: JsonObject | undefined): PictureSize | undefined {
  const { width, height } = image ?? {};
  return typeof width === 'number' && typeof height === 'number' ? { width, height } : undefined;
}

/** Entries by their id. */
function byId(list: readonly JsonObject[], name: string, path: string): Map<unknown, JsonObject> {
  const found = new Map<unknown, JsonObject>();
  for (const [index, entry] of list.entries()) {
    const { id } = entry;
    const where = `${name}[${index}] of ${path}`;
    if (typeof id !== 'number' && typeof id !== 'string') {
      throw invalid(`${where} has the id ${show(id ?? null)}; wanted a number`);
    }
    if (found.has(id)) throw invalid(`${where} has the id ${show(id)}, which another has, too`);
    found.set(id, entry);
  }
  return found;
}

function invalid(message: string): TransformerError {
  return new TransformerError('FILE_INVALID', `${message}.`);
}
