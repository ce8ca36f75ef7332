// A store as a load uses it: one that fails has nothing, one that is full takes nothing more, and one that
// does not answer, as file systems on a network may, is left alone. None of it fails the load.

import type { CacheStore, Hash } from './cache-store.ts';
import { Sha256 } from './sha256.ts';
import type { FileRange } from './source.ts';
import { after } from './watch.ts';

/** Milliseconds that one call may take: of some megabytes, on a slow disk. */
const PATIENCE = 5000;

const none = new Uint8Array(0);

export class PatientStore {
  readonly #store: CacheStore;
  #isReadOnly = false;
  #isSilent = false;

  constructor(store: CacheStore) {
    this.#store = store;
  }

  /** What it has is used, nothing is added. */
  get isReadOnly(): boolean {
    return this.#isReadOnly;
  }

  /** It did not answer. */
  get isSilent(): boolean {
    return this.#isSilent;
  }

  list(path: string): Promise<readonly string[]> {
    return this.#ask(() => this.#store.list(path), []);
  }

  /** Fewer bytes, or none, where it does not have them. */
  read(path: string, range: FileRange): Promise<Uint8Array> {
    return this.#ask(() => this.#store.read(path, range), none);
  }

  /** Whether the store took it. The first failure is the last try: mostly, it is full. */
  async write(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    if (this.#isReadOnly) return false;
    const isWritten = await this.#ask(async () => {
      await this.#store.write(path, bytes);
      return true;
    }, false);
    if (!isWritten) this.#isReadOnly = true;
    return isWritten;
  }

  /** Removes a file or a folder, if it can be removed. */
  remove(path: string): Promise<void> {
    return this.#ask(() => this.#store.remove(path), undefined);
  }

  /** A hash of bytes that come in pieces. */
  hash(): Hash {
    return this.#store.sha256?.() ?? new Sha256();
  }

  async #ask<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
    if (this.#isSilent) return otherwise;
    let stop: (() => void) | undefined;
    const silence = new Promise<T>((resolve) => {
      stop = after(PATIENCE, () => {
        this.#isSilent = this.#isReadOnly = true;
        resolve(otherwise);
      });
    });
    try {
      return await Promise.race([work().catch(() => otherwise), silence]);
    } finally {
      stop?.();
    }
  }
}

/** The first half of the SHA-256 of bytes: what tells them from damaged ones. */
export async function checksum(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest, 0, 16), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}
