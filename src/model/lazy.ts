// What is loaded with its first use and freed with its owner: code that many models never need.

import { disposedError } from './plan-cache.ts';

export class Lazy<T extends { dispose(): void }> {
  readonly #load: () => Promise<T>;
  #loading: Promise<void> | undefined;
  #loaded: T | undefined;
  #disposed = false;

  constructor(load: () => Promise<T>) {
    this.#load = load;
  }

  /** What was loaded; calls at once share one load. Errors: DISPOSED, and those of the load. */
  async get(): Promise<T> {
    if (this.#disposed) throw disposedError();
    if (this.#loaded !== undefined) return this.#loaded;
    // A load that failed, as of a page that went offline, is tried again by the next call.
    this.#loading ??= this.#load()
      .then((loaded) => {
        this.#loaded = loaded;
        if (this.#disposed) loaded.dispose();
      })
      .finally(() => (this.#loading = undefined));
    await this.#loading;
    return this.get();
  }

  dispose(): void {
    this.#disposed = true;
    this.#loaded?.dispose();
  }
}
