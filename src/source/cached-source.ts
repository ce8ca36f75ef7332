// A source on a network whose bytes are kept, so that they are downloaded once.
//
// In the store stands key/file/version/ with one small file for each range that was read
// (`kept-file.ts`). Each appears as a whole or not at all, so that a load that was stopped at any moment,
// or two at once, leave nothing wrong, and what they read need not be read again. What was damaged since
// is found by its hash, and downloaded again. The mark "whole" says that all ranges are there and that the
// hash of the file, where it is known, was right.

import { throwIfAborted, TransformerError } from '../runtime/errors.ts';
import { display } from './address.ts';
import type { CacheStore } from './cache-store.ts';
import { type CacheCheck, type Kept, KeptFile } from './kept-file.ts';
import { PatientStore } from './patient-store.ts';
import { shared } from './retry.ts';
import { Sha256 } from './sha256.ts';
import {
  type FileFacts,
  type FileRange,
  notFound,
  type RemoteSource,
  type Source,
} from './source.ts';

/** What a read wants: a range, or all of the file without one. */
interface Wanted {
  readonly range: FileRange | undefined;
}

/** The mark of a file that was asked for and is not there. */
const MISSING = 'missing';

/** Bytes at a time when a file is completed and hashed. */
const STEP = 4 * 1024 * 1024;

/** The form of what is stored; what is stored in another is not used, and removed. */
const FORM = 2;

const none = new Uint8Array(0);

export class CachedSource implements Source {
  readonly name: string;
  readonly #remote: RemoteSource;
  readonly #raw: CacheStore;
  readonly #store: PatientStore;
  readonly #offline: boolean;
  readonly #check: CacheCheck;
  readonly #entries = new Map<string, Promise<KeptFile | typeof MISSING | undefined>>();
  /** Bytes that came when a file was first asked for, until the read that wanted them has them. */
  readonly #first = new Map<Wanted, Uint8Array>();
  /** Files that were read as a whole: settings and the like. */
  readonly #wholes = new Set<string>();

  constructor(remote: RemoteSource, store: CacheStore, offline: boolean, check: CacheCheck) {
    this.name = remote.name;
    this.#remote = remote;
    this.#raw = store;
    this.#store = new PatientStore(store);
    this.#offline = offline;
    this.#check = check;
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
    if (range === undefined) this.#wholes.add(file);
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
   * Downloads what nobody wanted of a file, and compares the whole with its hash, where it is known. What
   * is wrong is removed from the store. A little at a time.
   */
  async finish(file: string, signal?: AbortSignal): Promise<void> {
    const entry = await this.#find(file, signal);
    if (entry === undefined || entry === MISSING) return;
    if (entry.isWhole || this.#offline || this.#store.isReadOnly) return;
    const { size } = entry;
    const { sha256 } = entry.facts;
    const hash = sha256 === undefined ? undefined : this.#store.hash();
    const ranges = hash === undefined ? entry.gaps() : [{ start: 0, end: size }];
    for (const { start: first, end } of ranges) {
      for (let start = first; start < end; start += STEP) {
        const range = { start, end: Math.min(start + STEP, end) };
        const bytes = await this.#gather(file, entry, range, signal);
        hash?.update(bytes);
        if (this.#store.isReadOnly) return;
      }
    }
    if (hash?.hex() === sha256) {
      await entry.markWhole();
      return;
    }
    await this.discard(file);
    throw new TransformerError(
      'FILE_INVALID',
      `${file} of ${this.name} does not have the hash its server states, ${sha256}. Load again.`,
    );
  }

  /** Whether all of a file is in the store. */
  async isWhole(file: string): Promise<boolean> {
    const entry = await this.#find(file, undefined);
    return typeof entry === 'object' && entry.isWhole;
  }

  async discard(file?: string): Promise<void> {
    for (const name of file === undefined ? this.#wholes : [file]) {
      const entry = await this.#entries.get(name)?.catch(() => undefined);
      this.#entries.delete(name);
      if (typeof entry === 'object') await entry.remove();
    }
  }

  /** Removes all that is kept of this source. */
  async clear(): Promise<void> {
    this.#entries.clear();
    await this.#raw.remove(folderOf(this.#remote.key));
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
    this.#wholes.clear();
    this.#remote.release?.();
  }

  /** The bytes of a range: what is stored from the store, the rest from the network. */
  async #gather(
    file: string,
    entry: KeptFile,
    { start, end }: FileRange,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    let bytes: Uint8Array | undefined;
    for (let at = start; at < end;) {
      throwIfAborted(signal);
      const kept = await entry.read({ start: at, end });
      const part = kept.bytes ?? (await this.#download(file, entry, { ...kept, at }, signal));
      // Mostly, a read gets what one before it stored.
      if (part.length === end - start) return part;
      bytes ??= new Uint8Array(end - start);
      bytes.set(part, at - start);
      at += part.length;
    }
    return bytes ?? none;
  }

  /** Bytes that are not stored, and are from then on. @throws TransformerError FILE_TRUNCATED */
  async #download(
    file: string,
    entry: KeptFile,
    { at, gap, isDamaged }: Kept & { readonly at: number },
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    if (this.#offline) throw isDamaged ? this.#damaged(file) : this.#notCached(file);
    const range = at === 0 && gap === entry.size ? undefined : { start: at, end: gap };
    try {
      const loaded = await this.#remote.read(file, range, signal, entry.facts);
      return await this.#add(file, entry, { start: at, end: gap }, loaded);
    } catch (error) {
      // The file may be another by now: the next read asks.
      this.#entries.delete(file);
      throw error;
    }
  }

  /** Stores bytes that were downloaded. @throws TransformerError FILE_TRUNCATED */
  async #add(
    file: string,
    entry: KeptFile,
    { start, end }: FileRange,
    loaded: Uint8Array | undefined,
  ): Promise<Uint8Array> {
    if (loaded?.length === end - start) {
      await entry.add(start, loaded as Uint8Array<ArrayBuffer>);
      return loaded;
    }
    throw new TransformerError(
      'FILE_TRUNCATED',
      `${file} of ${this.name} gave ${loaded?.length ?? 0} of ${end - start} bytes. Load again.`,
    );
  }

  /**
   * What is known of a file: its entry, that it is missing, or that it cannot be kept. Where nothing of
   * it is stored, the answer that brings what is `wanted` says as much as a question before it would.
   */
  #find(
    file: string,
    signal: AbortSignal | undefined,
    wanted?: Wanted,
  ): Promise<KeptFile | typeof MISSING | undefined> {
    return shared(this.#entries, file, async () => {
      const folder = `${folderOf(this.#remote.key)}/${encodeURIComponent(file)}`;
      // Not the names of markers that are being written.
      const names = await this.#store.list(folder);
      const stored = names.filter((name) => /^(\d+-\w+|missing)$/.test(name));
      if (this.#offline) {
        const [version] = stored;
        if (version === undefined) throw this.#notCached(file);
        if (version === MISSING) return version;
        return this.#open(`${folder}/${version}`, { size: Number.parseInt(version, 10) });
      }
      const cold = wanted !== undefined && stored.every((name) => name === MISSING);
      const first = cold ? await this.#remote.read(file, wanted.range, signal) : undefined;
      const gone = cold && first === undefined;
      const facts = gone ? undefined : await this.#remote.stat(file, signal);
      if (cold && first !== undefined) this.#first.set(wanted, first);
      const { size, version } = facts ?? {};
      // Without a version there is no telling whether the file is still the same.
      if (facts !== undefined && (size === undefined || version === undefined)) return undefined;
      const name = size === undefined ? MISSING : `${size}-${hashOf(`${FORM} ${version}`)}`;
      for (const other of stored) {
        if (other !== name) await this.#store.remove(`${folder}/${other}`);
      }
      if (size !== undefined) {
        const entry = await this.#open(`${folder}/${name}`, { ...facts, size });
        if (cold) await this.#add(file, entry, clip(wanted.range, size), first);
        return entry;
      }
      if (!stored.includes(MISSING)) await this.#store.write(`${folder}/${MISSING}`, none);
      return MISSING;
    });
  }

  #open(path: string, facts: FileFacts & { readonly size: number }): Promise<KeptFile> {
    return KeptFile.open({ store: this.#store, path, check: this.#check }, facts);
  }

  #notCached(file: string): TransformerError {
    const name = `the cache of ${this.name}`;
    if (this.#store.isSilent) {
      return new TransformerError(
        'FILE_UNREADABLE',
        `${file} could not be read: ${name} does not answer. Check the disk it is on.`,
      );
    }
    const next = 'The cache is all that offline: true allows. Load once without it.';
    return notFound({ name, read: async () => undefined }, [file], next);
  }

  #damaged(file: string): TransformerError {
    return new TransformerError(
      'FILE_INVALID',
      `${file} is damaged in the cache of ${this.name}. Load once without offline: true, which ` +
        'downloads the part again.',
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
  const shown = URL.canParse(key) ? display(new URL(key)) : key.replace(/\?.*/, '');
  const readable = shown.replaceAll(/[^\w.-]+/g, '-');
  return `${readable.slice(-60).replace(/^[.-]+/, '')}-${hashOf(key)}`;
}

function hashOf(text: string): string {
  const hash = new Sha256();
  hash.update(new TextEncoder().encode(text));
  return hash.hex().slice(0, 32);
}
