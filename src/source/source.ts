// Where a model's files come from. A user's source may be sloppy: what it returns is checked and
// brought to one form here, so that the rest of the library sees exact bytes or a clear error.

import { throwIfAborted, abortError, TransformerError } from '../runtime/errors.ts';
import { messageOf, show } from '../runtime/print.ts';
import { parseJson } from './json.ts';
import { trusting } from './trust.ts';

/** A byte range of a file, `end` exclusive. */
export interface FileRange {
  /** The first byte, from 0. */
  readonly start: number;
  /** The byte behind the last one. */
  readonly end: number;
}

/**
 * A folder of files, wherever it is. Names are relative and use `/`. A missing file resolves to
 * undefined; a rejection with code `ENOENT`, name `NotFoundError` or status 404 counts as missing
 * too. A `range` may be ignored: the whole file is accepted instead.
 */
export interface Source {
  /** The bytes of a file, or of a range of it; undefined when it is missing. */
  read(
    file: string,
    range?: FileRange,
    signal?: AbortSignal,
  ): Promise<Uint8Array | ArrayBuffer | undefined>;
  /** Total bytes of a file; undefined when it is missing or the size cannot be known. */
  size?(file: string, signal?: AbortSignal): Promise<number | undefined>;
  /** Called when all that is wanted of a file was read. A rejection fails the load. */
  finish?(file: string, signal?: AbortSignal): Promise<void>;
  /**
   * Called when a file turned out to be invalid, or without a name some file: do not give what was kept of
   * it again.
   */
  discard?(file?: string): Promise<void>;
  /** Called when a load is over: drop what was kept to serve it. The source stays usable. */
  release?(): void;
  /** The names of all files; undefined when the source cannot tell. For error messages. */
  list?(signal?: AbortSignal): Promise<readonly string[] | undefined>;
  /** What is known of why these files are missing, as a sentence. For error messages. */
  explain?(files: readonly string[]): string | undefined;
  /** Shown in error messages: a path or an address. */
  readonly name?: string;
}

/** Which file stands at an address: what tells one version of it from another. */
export interface FileFacts {
  /** Its bytes. */
  readonly size?: number | undefined;
  /** Its `ETag` or date. */
  readonly version?: string | undefined;
  /** SHA-256 of its bytes, as 64 hexadecimal digits. */
  readonly sha256?: string | undefined;
}

/** A source somewhere on a network, whose files may be kept. */
export interface RemoteSource extends Source {
  readonly name: string;
  /** Tells this folder from all others; may hold secrets. */
  readonly key: string;
  /** Rejects where the file is known to be another than the one that is expected. */
  read(
    file: string,
    range?: FileRange,
    signal?: AbortSignal,
    expected?: FileFacts,
  ): Promise<Uint8Array | undefined>;
  /** What there is, without reading it; undefined for a missing file. */
  stat(file: string, signal?: AbortSignal): Promise<FileFacts | undefined>;
}

/** Bytes read of those wanted, for one file and for all of a load. Never falls. */
export interface FileProgress {
  /** The file that was just read. */
  readonly file: string;
  /** Bytes of the file that were read. */
  readonly loaded: number;
  /** Bytes that are wanted of it. */
  readonly total: number;
  /** The same of all files of the load together. */
  readonly overall: { readonly loaded: number; readonly total: number };
}

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: FileProgress) => void) | undefined;
}

/** A file as it should read in a message. */
export function describeFile(source: Source, file: string): string {
  return source.name === undefined ? file : `${file} (in ${source.name})`;
}

/**
 * Throws `FILE_INVALID` for names that could leave the source's folder: `..`, absolute paths,
 * drive letters. Names in `model.safetensors.index.json` come from strangers.
 */
export function checkFileName(file: string): void {
  const parts = file.split(/[\\/]/);
  const steps = parts.some((part) => part === '' || part === '.' || part === '..');
  if (!steps && !/^[A-Za-z]:|\0/.test(file)) return;
  throw new TransformerError(
    'FILE_INVALID',
    `The file name ${show(file)} could lead out of the model folder. ` +
      'Use a name relative to that folder, without "." and ".." parts.',
  );
}

/**
 * Reads a range, or the whole file. Undefined when the file is missing. The result may be shorter
 * than the range when the file ends early. An abort rejects at once, whatever the source does.
 */
export async function readAtMost(
  source: Source,
  file: string,
  range: FileRange | undefined,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  const given = await ask(source, file, signal, () => source.read(file, range, signal));
  if (given === undefined) return undefined;
  const bytes = toBytes(given);
  if (bytes === undefined) {
    throw new TransformerError(
      'INPUT_INVALID',
      `The source returned ${typeof given} for ${describeFile(source, file)}. ` +
        'Return a Uint8Array, an ArrayBuffer, or undefined for a missing file.',
    );
  }
  if (range === undefined || bytes.length <= range.end - range.start) return bytes;
  // The range was ignored: a copy of the part lets go of the rest.
  return bytes.slice(range.start, range.end);
}

/** Reads exactly a range; throws `FILE_NOT_FOUND` or, with fewer bytes, `FILE_TRUNCATED`. */
export async function readRange(
  source: Source,
  file: string,
  range: FileRange,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const bytes = await readAtMost(source, file, range, signal);
  if (bytes === undefined) throw notFound(source, [file]);
  if (bytes.length === range.end - range.start) return bytes;
  throw new TransformerError(
    'FILE_TRUNCATED',
    `${describeFile(source, file)} is cut off: got ${bytes.length} bytes instead of ` +
      `bytes ${range.start} to ${range.end}. Download the file again.`,
  );
}

/** Total bytes of a file, or undefined when it is missing or the source cannot tell. */
export async function fileSize(
  source: Source,
  file: string,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const size = await ask(source, file, signal, () => source.size?.(file, signal));
  return Number.isSafeInteger(size) && Number(size) >= 0 ? size : undefined;
}

/** Whether a file is there, at the cost of at most one byte. */
export async function fileExists(
  source: Source,
  file: string,
  signal?: AbortSignal,
): Promise<boolean> {
  if (source.size !== undefined) return (await fileSize(source, file, signal)) !== undefined;
  return (await readAtMost(source, file, { start: 0, end: 1 }, signal)) !== undefined;
}

/** Reads a whole small file; undefined when it is missing. */
export async function readFile(
  source: Source,
  file: string,
  { signal, onProgress }: ReadOptions = {},
): Promise<Uint8Array | undefined> {
  const bytes = await readAtMost(source, file, undefined, signal);
  if (bytes !== undefined) {
    const all = { loaded: bytes.length, total: bytes.length };
    onProgress?.({ file, ...all, overall: all });
  }
  return bytes;
}

/** Reads a JSON file: undefined when it is missing, `FILE_INVALID` with the place of an error. */
export async function readJson(
  source: Source,
  file: string,
  options: ReadOptions = {},
): Promise<unknown> {
  const bytes = await readFile(source, file, options);
  if (bytes === undefined) return undefined;
  return trusting(source, file, async () =>
    parseJson(new TextDecoder().decode(bytes), describeFile(source, file)),
  );
}

/** Reads the first of these JSON files that is there; throws `FILE_NOT_FOUND` when none is. */
export async function requireJson(
  source: Source,
  files: string | readonly string[],
  options: ReadOptions = {},
): Promise<unknown> {
  const names = typeof files === 'string' ? [files] : files;
  for (const file of names) {
    const value = await readJson(source, file, options);
    if (value !== undefined) return value;
  }
  throw notFound(source, names);
}

/** The error of files that are not there. `next` is the next step. */
export function notFound(
  source: Source,
  files: readonly string[],
  next = 'Check the path or address; it must be the folder that holds them.',
): TransformerError {
  const looked = source.name === undefined ? 'the source' : source.name;
  const why = source.explain?.(files);
  return new TransformerError(
    'FILE_NOT_FOUND',
    `Looked for ${files.join(' and ')} in ${looked} and found nothing. ` +
      (why === undefined ? next : `${why} ${next}`),
  );
}

/** One call of a source: names checked, aborts honoured, failures wrapped, missing as undefined. */
async function ask<T>(
  source: Source,
  file: string,
  signal: AbortSignal | undefined,
  call: () => Promise<T | undefined> | undefined,
): Promise<T | undefined> {
  checkFileName(file);
  throwIfAborted(signal);
  try {
    const answer = await untilAborted(async () => call(), signal);
    throwIfAborted(signal);
    return answer;
  } catch (cause) {
    throwIfAborted(signal);
    if (cause instanceof TransformerError) throw cause;
    if (isMissing(cause)) return undefined;
    throw new TransformerError(
      'FILE_UNREADABLE',
      `${describeFile(source, file)} could not be read: ${messageOf(cause)}. ` +
        'Check that it may be read, then try again.',
      { cause },
    );
  }
}

/** The work's result, or a rejection as soon as the signal fires. */
async function untilAborted<T>(
  work: () => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return work();
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = (): void => reject(abortError(signal));
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop);
  }
}

function isMissing(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { code, name, status } = error as { code?: unknown; name?: unknown; status?: unknown };
  return code === 'ENOENT' || name === 'NotFoundError' || status === 404 || status === 410;
}

/** Any view or buffer as bytes, also of another realm; undefined for anything else. */
function toBytes(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  const kind = Object.prototype.toString.call(value);
  return kind === '[object ArrayBuffer]' ? new Uint8Array(value as ArrayBuffer) : undefined;
}
