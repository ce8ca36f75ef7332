// Model files that a user dropped on a page or chose in a dialog: files, or a folder's handle.

import { isA, TransformerError } from '../runtime/errors.ts';
import type { Platform } from '../runtime/platform-types.ts';
import { checkFileName, type Source } from './source.ts';

/** Files with names or, from a chosen folder, with relative paths. */
export type Files = Platform<'FileList'> | readonly Platform<'File'>[];

/**
 * A source over files. Where they come from folders, the model is the uppermost folder that holds a
 * config.json; other files keep their paths below it.
 * @throws TransformerError INPUT_INVALID for what is no file, FILE_INVALID for two of one name
 */
export function fileSource(files: Files): Source {
  const paths = pathsOf(files);
  const folders = paths.map(([path]) => /^(.*\/)?config\.json$/.exec(path)?.[1] ?? undefined);
  const isTop = paths.some(([path]) => path === 'config.json');
  const inner = folders
    .filter((folder) => folder !== undefined)
    .toSorted((a, b) => a.split('/').length - b.split('/').length);
  const base = isTop ? '' : (inner[0] ?? '');
  const named = new Map<string, File>();
  for (const [path, file] of paths) {
    if (!path.startsWith(base)) continue;
    const name = path.slice(base.length);
    if (named.has(name)) {
      throw new TransformerError(
        'FILE_INVALID',
        `There are two files ${name}. Pass the files of one model.`,
      );
    }
    named.set(name, file);
  }
  return blobSource(
    async (name) => named.get(name),
    async () => [...named.keys()],
    base === '' ? 'the given files' : base.slice(0, -1),
  );
}

/** Each file behind its path, or its name. Errors: INPUT_INVALID for what is none. */
export function pathsOf(files: Files): [string, File][] {
  return Array.from(files, (file: unknown): [string, File] => {
    if (typeof File !== 'undefined' && isA(file, File)) {
      return [file.webkitRelativePath || file.name, file];
    }
    throw new TransformerError(
      'INPUT_INVALID',
      `The list of files holds ${typeof file}, wanted File objects only.`,
    );
  });
}

/** A source over a folder that a page may read. */
export function handleSource(folder: FileSystemDirectoryHandle): Source {
  return blobSource(
    async (name) => {
      checkFileName(name);
      const steps = name.split(/[\\/]/);
      const last = steps.pop() ?? '';
      let at = folder;
      for (const step of steps) at = await at.getDirectoryHandle(step);
      return (await at.getFileHandle(last)).getFile();
    },
    async () => {
      const names: string[] = [];
      for await (const name of folder.keys()) names.push(name);
      return names;
    },
    folder.name,
  );
}

function blobSource(
  find: (name: string) => Promise<Blob | undefined>,
  list: () => Promise<string[]>,
  name: string,
): Source {
  return {
    name,
    list,
    read: async (file, range) => {
      const blob = await find(file);
      return (range === undefined ? blob : blob?.slice(range.start, range.end))?.arrayBuffer();
    },
    size: async (file) => (await find(file))?.size,
  };
}
