// A source on a network whose bytes are kept, so that they are downloaded once.
//
// In the store stands key/file/version/ with one small file for each range that was read, named
// by it: "0-8", "8-4096". Each appears as a whole or not at all, so that a load that was stopped at
// any moment, or two at once, leave nothing wrong, and what they read need not be read again. The
// mark "whole" says that all ranges are there and that the hash, where it is known, was right.

import { throwIfAborted, TransformerError } from '../runtime/errors.ts';
import type { CacheStore } from './cache-store.ts';
import { shared } from './retry.ts';
import { Sha256 } from './sha256.ts';
import {
  type FileFacts,
  type FileRange,
  notFound,
  type RemoteSource,
  type Source,
} from './source.ts';

/** One version of a file, and which ranges of it are in the store. */
interface Entry {
  readonly path: string;
  readonly size: number;
  readonly sha256: string | undefined;
  readonly pieces: FileRange[];
  whole: boolean;
}

/** What a read wants: a range, or all of the file without one. */
interface Wanted {
  readonly range: FileRange | undefined;
}

/** The mark of a file that was asked for and is not there. */
const MISSING = 'missing';
const WHOLE = 'whole';

/** Bytes at a time when a file is completed and hashed. */
const STEP = 4 * 1024 * 1024;

const none = new Uint8Array(0);

export class CachedSource implements Source {
  readonly name: string;
  readonly #remote: RemoteSource;
  readonly #store: CacheStore;
  readonly #offline: boolean;
  readonly #entries = new Map<string, Promise<Entry | typeof MISSING | undefined>>();
  /** Bytes that came when a file was first asked for, until the read that wanted them has them. */
  readonly #first = new Map<Wanted, Uint8Array>();
  /** The store is full or broken: what it has is used, nothing is added. */
  #readOnly = false;

  constructor(remote: RemoteSource, store: CacheStore, offline: boolean) {
    this.name = remote.name;
    this.#remote = remote;
    this.#store = store;
    this.#offline = offline;
  }

  async read(
    file: string,
    range?: FileRange,
    signal?: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const wanted = { range };
    const entry = await this.#find(file, signal, wanted);
    const first = this.#first.get(wanted);
    this.#first.delete(wanted);
    if (entry === MISSING) return undefined;
    if (entry === undefined) return first ?? this.#remote.read(file, range, signal);
    const bytes = first ?? (await this.#gather(file, entry, clip(range, entry.size), signal));
    if (range === undefined) await this.finish(file, signal);
    return bytes;
  }

  async size(file: string, signal?: AbortSignal): Promise<number | undefined> {
    const entry = await this.#find(file, signal);
    if (entry === MISSING) return undefined;
    return entry === undefined ? this.#remote.size?.(file, signal) : entry.size;
  }

  /**
   * Downloads what nobody wanted of a file, and compares the whole with its hash. What is wrong is
   * removed from the store. Reads again what is stored, a little at a time.
   */
  async finish(file: string, signal?: AbortSignal): Promise<void> {
    const entry = await this.#find(file, signal);
    if (entry === undefined || entry === MISSING) return;
    if (entry.whole || this.#offline || this.#readOnly) return;
    const { path, size, sha256 } = entry;
    const hash = this.#store.sha256?.() ?? new Sha256();
    for (let start = 0; start < size; start += STEP) {
      const range = { start, end: Math.min(start + STEP, size) };
      hash.update(await this.#gather(file, entry, range, signal));
      if (this.#readOnly) return;
    }
    if (sha256 === undefined || hash.hex() === sha256) {
      await this.#write(`${path}/${WHOLE}`, none);
      entry.whole = !this.#readOnly;
      return;
    }
    this.#entries.delete(file);
    await this.#store.remove(path).catch(() => undefined);
    throw new TransformerError(
      'FILE_INVALID',
      `${file} of ${this.name} does not have the hash its server states, ${sha256}. Load again.`,
    );
  }

  /** Whether all of a file is in the store. */
  async isWhole(file: string): Promise<boolean> {
    const entry = await this.#find(file, undefined);
    return typeof entry === 'object' && entry.whole;
  }

  /** Removes all that is kept of this source. */
  async clear(): Promise<void> {
    this.#entries.clear();
    await this.#store.remove(folderOf(this.#remote.key));
  }

  async list(signal?: AbortSignal): Promise<readonly string[] | undefined> {
    return this.#offline ? undefined : this.#remote.list?.(signal);
  }

  explain(files: readonly string[]): string | undefined {
    return this.#remote.explain?.(files);
  }

  release(): void {
    this.#entries.clear();
    this.#first.clear();
    this.#remote.release?.();
  }

  /** The bytes of a range: what is stored from the store, the rest from the network. */
  async #gather(
    file: string,
    entry: Entry,
    { start, end }: FileRange,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    const { pieces, path, size } = entry;
    const bytes = new Uint8Array(end - start);
    for (let at = start; at < end;) {
      throwIfAborted(signal);
      const piece = pieces.find((each) => each.start <= at && at < each.end);
      if (piece !== undefined) {
        const stop = Math.min(piece.end, end);
        const part = { start: at - piece.start, end: stop - piece.start };
        const name = `${path}/${piece.start}-${piece.end}`;
        const stored = await this.#store.read(name, part).catch(() => none);
        if (stored.length === stop - at) {
          bytes.set(stored, at - start);
          at = stop;
        } else if (pieces.includes(piece)) pieces.splice(pieces.indexOf(piece), 1);
        continue;
      }
      if (this.#offline) throw this.#notCached(file);
      const stop = pieces.reduce(
        (low, each) => (each.start > at ? Math.min(low, each.start) : low),
        end,
      );
      const all = at === 0 && stop === size;
      const range = all ? undefined : { start: at, end: stop };
      const loaded = await this.#remote.read(file, range, signal);
      await this.#add(file, entry, { start: at, end: stop }, loaded);
      bytes.set(loaded ?? none, at - start);
      at = stop;
    }
    return bytes;
  }

  /** Stores bytes that were downloaded. @throws TransformerError FILE_TRUNCATED */
  async #add(
    file: string,
    { path, pieces }: Entry,
    { start, end }: FileRange,
    loaded: Uint8Array | undefined,
  ): Promise<void> {
    if (loaded?.length !== end - start) {
      throw new TransformerError(
        'FILE_TRUNCATED',
        `${file} of ${this.name} gave ${loaded?.length ?? 0} of ${end - start} bytes. Load again.`,
      );
    }
    if (start === end) return;
    const own = loaded as Uint8Array<ArrayBuffer>;
    if (await this.#write(`${path}/${start}-${end}`, own)) pieces.push({ start, end });
  }

  /**
   * What is known of a file: its entry, that it is missing, or that it cannot be kept. Where nothing of
   * it is stored, the answer that brings what is `wanted` says as much as a question before it would.
   */
  #find(
    file: string,
    signal: AbortSignal | undefined,
    wanted?: Wanted,
  ): Promise<Entry | typeof MISSING | undefined> {
    return shared(this.#entries, file, async () => {
      const folder = `${folderOf(this.#remote.key)}/${encodeURIComponent(file)}`;
      // Not the names of markers that are being written.
      const stored = (await this.#list(folder)).filter((name) => /^(\d+-\w+|missing)$/.test(name));
      if (this.#offline) {
        const [version] = stored;
        if (version === undefined) throw this.#notCached(file);
        return version === MISSING ? MISSING : this.#open(`${folder}/${version}`, {});
      }
      const cold = wanted !== undefined && stored.every((name) => name === MISSING);
      const first = cold ? await this.#remote.read(file, wanted.range, signal) : undefined;
      const gone = cold && first === undefined;
      const facts = gone ? undefined : await this.#remote.stat(file, signal);
      if (cold && first !== undefined) this.#first.set(wanted, first);
      const { size, version } = facts ?? {};
      // Without a version there is no telling whether the file is still the same.
      if (facts !== undefined && (size === undefined || version === undefined)) return undefined;
      const name = facts === undefined ? MISSING : `${size}-${hashOf(version ?? '')}`;
      for (const other of stored) {
        if (other !== name) await this.#store.remove(`${folder}/${other}`).catch(() => undefined);
      }
      if (facts !== undefined) {
        const entry = await this.#open(`${folder}/${name}`, facts);
        if (cold) await this.#add(file, entry, clip(wanted.range, entry.size), first);
        return entry;
      }
      if (!stored.includes(MISSING)) await this.#write(`${folder}/${MISSING}`, none);
      return MISSING;
    });
  }

  async #open(path: string, { sha256 }: FileFacts): Promise<Entry> {
    const names = await this.#list(path);
    const pieces = names.flatMap((name) => {
      const [, start, end] = /^(\d+)-(\d+)$/.exec(name) ?? [];
      return start === undefined ? [] : [{ start: Number(start), end: Number(end) }];
    });
    const size = Number(/(\d+)-\w+$/.exec(path)?.[1]);
    return { path, size, sha256, pieces, whole: names.includes(WHOLE) };
  }

  #list(path: string): Promise<readonly string[]> {
    return this.#store.list(path).catch(() => []);
  }

  /** Whether the store took it. The first failure is the last try: mostly, it is full. */
  async #write(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    if (this.#readOnly) return false;
    try {
      await this.#store.write(path, bytes);
      return true;
    } catch {
      this.#readOnly = true;
      return false;
    }
  }

  #notCached(file: string): TransformerError {
    return notFound(
      { name: `the cache of ${this.name}`, read: async () => undefined },
      [file],
      'The cache is all that offline: true allows. Load once without it.',
    );
  }
}

/** The part of a range that a file of this size has; all of it without one. */
function clip(range: FileRange | undefined, size: number): FileRange {
  const { start, end } = range ?? { start: 0, end: size };
  return { start: Math.min(start, size), end: Math.min(end, size) };
}

/** A source's folder in the store: readable, and unlike every other. */
function folderOf(key: string): string {
  const readable = key.replace(/\?.*/, '').replaceAll(/[^\w.-]+/g, '-');
  return `${readable.slice(-60).replace(/^[.-]+/, '')}-${hashOf(key)}`;
}

function hashOf(text: string): string {
  const hash = new Sha256();
  hash.update(new TextEncoder().encode(text));
  return hash.hex().slice(0, 32);
}
