// Where the folder of a file is: sources are of folders.

export interface FileAddress {
  /** What `openSource` takes. */
  readonly folder: string;
  /** The name of the file in it; empty where a folder alone is named. */
  readonly file: string;
}

/** The parts of a path, a URL or `hf:owner/name/file`. A query is sent with every file of a folder. */
export function splitAddress(name: string): FileAddress {
  const hub = /^(hf:[^/@]+\/[^/@]+(?:@[^/]+)?)\/(.+)$/i.exec(name);
  if (hub !== null) return { folder: hub[1] ?? '', file: hub[2] ?? '' };
  const isAddress = /^(https?|file):/i.test(name);
  const [, folder = './', file = '', query = ''] =
    /^(.*[\\/])?([^\\/?#]+)(\?[^#]*)?(?:#.*)?$/.exec(name) ?? [];
  return { folder: folder + query, file: isAddress ? decodeURIComponent(file) : file };
}
