// A repository of the Hugging Face Hub, or of a mirror of it. One question about the revision tells
// its commit, its files and their hashes; all files are then read from that commit, so that a push
// during a load cannot mix two versions.

import { display } from './address.ts';
import type { HttpOptions } from './http-options.ts';
import { HttpSource } from './http-source.ts';
import { isObject } from './json.ts';
import { shared } from './retry.ts';
import { type FileFacts, type FileRange, readJson, type RemoteSource } from './source.ts';

/** A repository at a revision. */
export interface Repository {
  readonly id: string;
  readonly revision: string;
  /** Of the Hub or of a mirror. */
  readonly endpoint: URL;
}

/** What a revision is: where to read it, and what it holds where the server lists that. */
interface Opened {
  readonly files: HttpSource;
  readonly listing: ReadonlyMap<string, FileFacts> | undefined;
}

/** A repository: see `hubSource`. */
export class HubSource implements RemoteSource {
  readonly name: string;
  readonly key: string;
  readonly #id: string;
  readonly #revision: string;
  readonly #endpoint: URL;
  readonly #options: HttpOptions;
  readonly #opened = new Map<string, Promise<Opened>>();
  #missing = false;

  constructor(
    { name, key }: Pick<RemoteSource, 'name' | 'key'>,
    { id, revision, endpoint }: Repository,
    options: HttpOptions,
  ) {
    this.name = name;
    this.key = key;
    this.#id = id;
    this.#revision = revision;
    this.#endpoint = endpoint;
    this.#options = options;
  }

  async read(
    file: string,
    range?: FileRange,
    signal?: AbortSignal,
    expected?: FileFacts,
  ): Promise<Uint8Array | undefined> {
    const { files, listing } = await this.#open(signal);
    if (listing === undefined) return files.read(file, range, signal, expected);
    // The listing's names of versions are others than those of the answers.
    const { size } = listing.get(file) ?? {};
    return listing.has(file) ? files.read(file, range, signal, { size }) : undefined;
  }

  async stat(file: string, signal?: AbortSignal): Promise<FileFacts | undefined> {
    const { files, listing } = await this.#open(signal);
    const facts = listing?.get(file);
    if (listing !== undefined && facts === undefined) return undefined;
    const known = facts?.size !== undefined && facts.version !== undefined;
    return known ? facts : files.stat(file, signal);
  }

  async size(file: string, signal?: AbortSignal): Promise<number | undefined> {
    return (await this.stat(file, signal))?.size;
  }

  async list(signal?: AbortSignal): Promise<readonly string[] | undefined> {
    const { listing } = await this.#open(signal);
    return listing && [...listing.keys()];
  }

  explain(): string | undefined {
    return this.#missing
      ? `${display(this.#endpoint)} knows no such repository or revision.`
      : undefined;
  }

  release(): void {
    this.#opened.clear();
  }

  #open(signal: AbortSignal | undefined): Promise<Opened> {
    return shared(this.#opened, '', async () => {
      const revision = encodeURIComponent(this.#revision);
      const about = this.#at(`api/models/${this.#id}/revision/${revision}`);
      about.search = '?blobs=true';
      const source = this.#http(about, () => about);
      const told = await readJson(source, 'revision.json', { signal });
      this.#missing = told === undefined;
      const { sha, siblings } = isObject(told) ? told : {};
      const commit = typeof sha === 'string' ? sha : this.#revision;
      const folder = this.#at(`${this.#id}/resolve/${encodeURIComponent(commit)}/`);
      const locate = (file: string): URL =>
        new URL(folder.href + file.split(/[\\/]/).map(encodeURIComponent).join('/'));
      const listing = Array.isArray(siblings) ? readListing(siblings) : undefined;
      return { files: this.#http(folder, locate), listing };
    });
  }

  #at(path: string): URL {
    return new URL(path, this.#endpoint);
  }

  #http(folder: URL, locate: (file: string) => URL): HttpSource {
    const page = `${display(this.#endpoint)}${this.#id}`;
    const denied =
      `${this.name} is gated or private, or does not exist. Accept its terms at ${page} and pass ` +
      'the token of an account that may read it: { token }.';
    return new HttpSource(folder, locate, this.#options, denied);
  }
}

/** The files of a revision. Large files are known by the SHA-256 of their bytes, others by Git's. */
function readListing(siblings: readonly unknown[]): Map<string, FileFacts> {
  const listing = new Map<string, FileFacts>();
  for (const sibling of siblings) {
    if (!isObject(sibling) || typeof sibling['rfilename'] !== 'string') continue;
    const { rfilename, size, blobId, lfs } = sibling;
    const sha256 = isObject(lfs) && typeof lfs['sha256'] === 'string' ? lfs['sha256'] : undefined;
    const version = sha256 ?? (typeof blobId === 'string' ? blobId : undefined);
    listing.set(rfilename, { size: typeof size === 'number' ? size : undefined, version, sha256 });
  }
  return listing;
}
