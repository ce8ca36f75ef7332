// A GGUF file as the folder of a checkpoint in Hugging Face layout: its metadata are config.json and tokenizer.json,
// its tensors are model.safetensors. All that reads such a folder reads it too.

import { shared } from '../retry.ts';
import { describeFile, type FileRange, readRange, type Source } from '../source.ts';
import { configOf, tokenIds } from './config.ts';
import { type GgufHeader, readGgufHeader } from './header.ts';
import { tokenizerConfigOf, tokenizerOf } from './tokenizer.ts';
import { rotaryTensor, ShownWeights } from './weights.ts';

const weightsFile = 'model.safetensors';

/** A file that is made of metadata. */
type Make = (source: GgufSource, signal: AbortSignal | undefined) => Promise<unknown>;

const made: Readonly<Record<string, Make>> = {
  'config.json': async (source, signal) =>
    configOf(await source.header(signal), await source.rotary(signal)),
  'generation_config.json': async (source, signal) => tokenIds(await source.header(signal)),
  'tokenizer.json': async (source, signal) => tokenizerOf(await source.header(signal)),
  'tokenizer_config.json': async (source, signal) => tokenizerConfigOf(await source.header(signal)),
};

export class GgufSource implements Source {
  readonly #files: Source;
  readonly #file: string;
  readonly #headers = new Map<string, Promise<GgufHeader>>();
  readonly #weights = new Map<string, Promise<ShownWeights>>();
  readonly #texts = new Map<string, Promise<string>>();

  /** `file`: its name among `files`. */
  constructor(files: Source, file: string) {
    this.#files = files;
    this.#file = file;
  }

  get name(): string {
    return describeFile(this.#files, this.#file);
  }

  async read(
    file: string,
    range?: FileRange,
    signal?: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    if (file === weightsFile) {
      const weights = await this.#shown(signal);
      const whole = { start: 0, end: weights.size };
      return weights.read(this.#files, this.#file, range ?? whole, signal);
    }
    const make = Object.hasOwn(made, file) ? made[file] : undefined;
    if (make === undefined) return undefined;
    const json = shared(this.#texts, file, async () => JSON.stringify(await make(this, signal)));
    return new TextEncoder().encode(await json).subarray(range?.start, range?.end);
  }

  async size(file: string, signal?: AbortSignal): Promise<number | undefined> {
    if (file === weightsFile) return (await this.#shown(signal)).size;
    return (await this.read(file, undefined, signal))?.length;
  }

  async finish(file: string, signal?: AbortSignal): Promise<void> {
    if (file === weightsFile) await this.#files.finish?.(this.#file, signal);
  }

  async discard(): Promise<void> {
    this.#forget();
    await this.#files.discard?.(this.#file);
  }

  async list(): Promise<readonly string[]> {
    return [...Object.keys(made), weightsFile];
  }

  explain(files: readonly string[]): string | undefined {
    return this.#files.explain?.(files);
  }

  release(): void {
    this.#forget();
    this.#files.release?.();
  }

  header(signal: AbortSignal | undefined): Promise<GgufHeader> {
    const read = (): Promise<GgufHeader> => readGgufHeader(this.#files, this.#file, signal);
    return shared(this.#headers, '', read);
  }

  /**
   * What divides the frequencies of positions; undefined where nothing does.
   * @throws TransformerError FILE_INVALID
   */
  async rotary(signal: AbortSignal | undefined): Promise<readonly number[] | undefined> {
    const { tensors, metadata } = await this.header(signal);
    const found = tensors.find(({ name }) => name === rotaryTensor);
    if (found === undefined) return undefined;
    if (found.type !== 0) throw metadata.invalid(`Tensor "${rotaryTensor}" is no F32`);
    const bytes = await readRange(this.#files, this.#file, found, signal);
    return [...new Float32Array(new Uint8Array(bytes).buffer)];
  }

  #shown(signal: AbortSignal | undefined): Promise<ShownWeights> {
    const show = async (): Promise<ShownWeights> => new ShownWeights(await this.header(signal));
    return shared(this.#weights, '', show);
  }

  #forget(): void {
    this.#headers.clear();
    this.#weights.clear();
    this.#texts.clear();
  }
}
