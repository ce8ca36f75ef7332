// Files in folders by label, as torchvision's ImageFolder and Hugging Face's "imagefolder" and "audiofolder" have them.

import { TransformerError } from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';
import type { FolderFile } from '../../source/folder-files.ts';
import type { FileInput } from '../../source/read-bytes.ts';
import { classesByName, type ClassNamed, classesOf } from './class-names.ts';
import { columnOf, type DescribedFolder, type FileKind } from './described-files.ts';

/** Files and their classes, in the order of their paths, or of the table that describes them. */
interface LabelledFiles {
  readonly files: readonly { readonly file: FileInput; readonly label: number }[];
  /** The name of each class. */
  readonly labels: readonly string[];
}

/** A file and what its class is called, or its number. */
interface NamedFile extends ClassNamed {
  readonly file: FileInput;
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
  const classes = (described ? classesOf : classesByName)(named, labels);
  const [first] = classes.numbers;
  if (first === undefined || classes.numbers.some((label) => label !== first)) {
    const files = named.map(({ file }, index) => ({ file, label: classes.numbers[index] ?? -1 }));
    return { files, labels: classes.labels };
  }
  throw new TransformerError(
    'INPUT_INVALID',
    `All ${kind.what}s are of the class ${show(classes.labels[first])}, which leaves nothing to tell apart. ` +
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
