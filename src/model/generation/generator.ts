// What generates for a model; its code is loaded with the first call, as many models only run forward.

import type { DecodePrompt } from './decoding.ts';
import type { GenerateOptions } from './generation-options.ts';
import type { GenerateOutputOptions, GenerateResult } from '../model.ts';
import { disposedError } from '../plan-cache.ts';

export interface Generator {
  /** Generates whole sequences. Errors: OPTION_*, ABORTED, DISPOSED. */
  generate(
    prompt: DecodePrompt,
    options: GenerateOptions & GenerateOutputOptions,
  ): Promise<GenerateResult>;
  /** Generates token by token. Errors: as above. */
  stream(
    prompt: DecodePrompt,
    options: GenerateOptions,
  ): AsyncGenerator<{ tokenIds: number[] }, void, undefined>;
  dispose(): void;
}

export class LazyGenerator implements Generator {
  readonly #load: () => Promise<Generator>;
  #loading: Promise<void> | undefined;
  #loaded: Generator | undefined;
  #disposed = false;

  constructor(load: () => Promise<Generator>) {
    this.#load = load;
  }

  async generate(
    prompt: DecodePrompt,
    options: GenerateOptions & GenerateOutputOptions,
  ): Promise<GenerateResult> {
    return (await this.#ready()).generate(prompt, options);
  }

  async *stream(
    prompt: DecodePrompt,
    options: GenerateOptions,
  ): AsyncGenerator<{ tokenIds: number[] }, void, undefined> {
    yield* (await this.#ready()).stream(prompt, options);
  }

  dispose(): void {
    this.#disposed = true;
    this.#loaded?.dispose();
  }

  async #ready(): Promise<Generator> {
    if (this.#disposed) throw disposedError();
    if (this.#loaded !== undefined) return this.#loaded;
    // A load that failed, as of a page that went offline, is tried again by the next call.
    this.#loading ??= this.#load()
      .then((generator) => void (this.#loaded = generator))
      .finally(() => (this.#loading = undefined));
    await this.#loading;
    return this.#ready();
  }
}
