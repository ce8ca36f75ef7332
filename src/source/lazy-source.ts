// Sources whose code is loaded when something is first read of them: most loads need one kind only.

import type { FileFacts, FileRange, RemoteSource, Source } from './source.ts';

export class LazySource<Loaded extends Source = Source> implements Source {
  readonly #name: string;
  readonly #load: () => Promise<Loaded>;
  #loading: Promise<Loaded> | undefined;
  #loaded: Loaded | undefined;

  /** `name`: what it is called until it is loaded. */
  constructor(name: string, load: () => Promise<Loaded>) {
    this.#name = name;
    this.#load = load;
  }

  get name(): string {
    return this.#loaded?.name ?? this.#name;
  }

  /** The source itself. A load that failed is tried again by the next call. */
  open(): Promise<Loaded> {
    this.#loading ??= this.#load().then(
      (loaded) => (this.#loaded = loaded),
      (error: unknown) => {
        this.#loading = undefined;
        throw error;
      },
    );
    return this.#loading;
  }

  async read(
    file: string,
    range?: FileRange,
    signal?: AbortSignal,
  ): Promise<Uint8Array | ArrayBuffer | undefined> {
    return (await this.open()).read(file, range, signal);
  }

  async size(file: string, signal?: AbortSignal): Promise<number | undefined> {
    return (await this.open()).size?.(file, signal);
  }

  async finish(file: string, signal?: AbortSignal): Promise<void> {
    await (await this.open()).finish?.(file, signal);
  }

  async discard(file?: string): Promise<void> {
    await this.#loaded?.discard?.(file);
  }

  async list(signal?: AbortSignal): Promise<readonly string[] | undefined> {
    return (await this.open()).list?.(signal);
  }

  explain(files: readonly string[]): string | undefined {
    return this.#loaded?.explain?.(files);
  }

  release(): void {
    this.#loaded?.release?.();
  }
}

export class LazyRemoteSource extends LazySource<RemoteSource> implements RemoteSource {
  readonly key: string;

  constructor(name: string, key: string, load: () => Promise<RemoteSource>) {
    super(name, load);
    this.key = key;
  }

  override async read(
    file: string,
    range?: FileRange,
    signal?: AbortSignal,
    expected?: FileFacts,
  ): Promise<Uint8Array | undefined> {
    return (await this.open()).read(file, range, signal, expected);
  }

  async stat(file: string, signal?: AbortSignal): Promise<FileFacts | undefined> {
    return (await this.open()).stat(file, signal);
  }
}
