// Files in folders by label, as torchvision's ImageFolder and Hugging Face's "imagefolder" and "audiofolder" have them.

import { nearestName, TransformerError } from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';
import type { FolderFile } from '../../source/folder-files.ts';
import type { FileInput } from '../../source/read-bytes.ts';
import { invalidOption } from '../check.ts';
import { columnOf, type DescribedFolder, type FileKind } from './described-files.ts';

/** Files and their classes, in the order of their paths, or of the table that describes them. */
interface LabelledFiles {
  readonly files: readonly { readonly file: FileInput; readonly label: number }[];
  /** The name of each class. */
  readonly labels: readonly string[];
}

/** A file and what its class is called, or its number. */
interface NamedFile {
  readonly file: FileInput;
  readonly name: unknown;
  readonly where: string;
}

/** Folders that hold parts of a data set, not classes of it. */
const parts = /^(train(ing)?|valid(ation)?|val|dev|eval(uation)?|test(ing)?)$/i;

/**
 * The files of a folder and their classes: its folders, sorted, whatever lies below them; or what a table beside them says of
 * each `file_name` under `label`, a name or a number.
 * @throws TransformerError FILE_INVALID, INPUT_INVALID
 */
export function labelledFiles(
  { files: found, described, kind }: DescribedFolder,
  labels: readonly string[] | undefined,
): LabelledFiles {
  const named =
    described?.map((one) => ({
      file: one.file,
      name: columnOf(one, 'label'),
      where: one.where,
    })) ?? inFolders(found, kind);
  const isNumbered = described !== undefined && isNumbers(named, labels);
  const classes = isNumbered ? numbered(named, labels) : byName(named, labels);
  const [first] = classes.files;
  if (first === undefined || classes.files.some(({ label }) => label !== first.label)) {
    return classes;
  }
  throw new TransformerError(
    'INPUT_INVALID',
    `All ${kind.what}s are of the class ${show(classes.labels[first.label])}, which leaves nothing to tell apart. ` +
      'Pass a folder with two classes at least.',
  );
}

/** The files of a folder, each of the class of the folder in it that it lies in. */
function inFolders(files: readonly FolderFile[], { fits, what }: FileKind): NamedFile[] {
  const all = files.filter(({ path }) => fits.test(path));
  const invalid = (message: string): TransformerError =>
    new TransformerError('INPUT_INVALID', message);
  if (all.length === 0) {
    throw invalid(
      `The folder holds no ${what}s. Pass one with a folder of ${what}s for each class.`,
    );
  }
  const folders = new Set(files.map(({ path }) => path.split('/', 1)[0] ?? ''));
  const named = all.map(({ path, file }) => {
    const [name = '', ...below] = path.split('/');
    if (below.length > 0) return { file, name, where: path };
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
  throw invalid(`The folder ${show(empty)} holds no ${what}s. Take it out, or put some in.`);
}

function isFolder(files: readonly FolderFile[], name: string): boolean {
  return files.some(({ path }) => path.startsWith(`${name}/`));
}

/** Whether one of them has the number of its class, as such or in digits that are no name. */
function isNumbers(files: readonly NamedFile[], labels: readonly string[] = []): boolean {
  return files.some(
    ({ name }) =>
      typeof name === 'number' || (/^\d+$/.test(String(name)) && !labels.includes(String(name))),
  );
}

/** Files by the numbers of their classes. */
function numbered(
  files: readonly NamedFile[],
  given: readonly string[] | undefined,
): LabelledFiles {
  const most = given?.length ?? Infinity;
  const numbers = files.map(({ file, name, where }) => {
    const label = typeof name === 'string' && /^\d+$/.test(name) ? Number(name) : name;
    const isClass = Number.isSafeInteger(label) && Number(label) >= 0 && Number(label) < most;
    if (isClass) return { file, label: Number(label) };
    const wanted = given === undefined ? 'on' : `to ${most - 1}`;
    throw new TransformerError(
      'FILE_INVALID',
      `${where} has the label ${show(name)}; others have numbers. Wanted the number of a class, from 0 ${wanted}.`,
    );
  });
  const count = numbers.reduce((greatest, { label }) => Math.max(greatest, label + 1), 0);
  const labels = given ?? Array.from({ length: count }, (_, index) => String(index));
  return { files: numbers, labels };
}

/** Files by the names of their classes. */
function byName(files: readonly NamedFile[], given: readonly string[] | undefined): LabelledFiles {
  const names = files.map(({ name, where }) => {
    if (typeof name === 'string' && name.trim() !== '') return name;
    throw new TransformerError(
      'FILE_INVALID',
      `${where} has the label ${show(name)}; wanted the name of a class, or its number.`,
    );
  });
  const labels = given ?? [...new Set(names)].toSorted();
  const classes = new Map(labels.map((name, index) => [name, index]));
  const labelled = files.map(({ file, where }, index) => {
    const name = names[index] ?? '';
    const label = classes.get(name);
    if (label !== undefined) return { file, label };
    const near = nearestName(name, labels);
    throw new TransformerError(
      'INPUT_INVALID',
      `${where} is of the class ${show(name)}, which is none of the labels, ${show(labels)}. ` +
        (near === undefined ? 'Rename it, or leave out labels.' : `Did you mean ${show(near)}?`),
    );
  });
  return { files: labelled, labels };
}

/** Refuses names of classes that are none; none at all are right. Errors: OPTION_INVALID. */
export function checkNames(labels: unknown): void {
  if (labels === undefined) return;
  const list = Array.isArray(labels) ? Array.from<unknown>(labels) : [];
  const isNames = list.every((name) => typeof name === 'string');
  if (isNames && list.length > 0 && new Set(list).size === list.length) return;
  throw invalidOption('labels', labels, 'a list of names, no two alike');
}
