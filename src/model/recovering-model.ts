// A model on a device that is opened again when it is lost: it loads again from its source.

import { TransformerError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { CallBatch } from './generation/batch/batch.ts';
import type { BatchOptions } from './generation/batch/batch-options.ts';
import type { GenerateOptions } from './generation/options.ts';
import type {
  ForwardOptions,
  GenerateCall,
  GenerateOutputOptions,
  GenerateResult,
  Model,
  ModelInputs,
  ModelOutput,
} from './model.ts';
import { ModelProxy } from './model-proxy.ts';
import { disposedError, lostError } from './plan-cache.ts';
import type { ModelPoint } from './points/point-options.ts';
import type { TrainableModel } from './trainable-model.ts';

export class RecoveringModel extends ModelProxy implements Model {
  readonly gpu: Gpu;
  readonly #load: () => Promise<Model>;
  protected inner: Model;
  /** The device that the model is on. */
  #device: unknown;
  #loading: Promise<void> | undefined;
  readonly #changes = new Set<() => Promise<void>>();
  #disposed = false;

  private constructor(gpu: Gpu, load: () => Promise<Model>, model: Model) {
    super();
    this.gpu = gpu;
    this.#load = load;
    this.inner = model;
    this.#device = gpu.device;
  }

  /** `again`: loads the model as `first` did, which may have had a signal and told of its progress. */
  static async load(
    gpu: Gpu,
    first: () => Promise<Model>,
    again: () => Promise<Model>,
  ): Promise<RecoveringModel> {
    await gpu.recovered();
    return new RecoveringModel(gpu, again, await first());
  }

  async points(): Promise<ModelPoint[]> {
    return this.#do((model) => model.points());
  }

  async forward(inputs: ModelInputs, options?: ForwardOptions): Promise<ModelOutput> {
    return this.#do((model) => model.forward(inputs, options));
  }

  async generate(
    inputs: ModelInputs,
    options?: GenerateOptions & GenerateOutputOptions,
  ): Promise<GenerateResult> {
    return this.#do((model) => model.generate(inputs, options));
  }

  async generateTogether(calls: readonly GenerateCall[]): Promise<GenerateResult[]> {
    return this.#do((model) => model.generateTogether(calls));
  }

  async batch(options: BatchOptions): Promise<CallBatch | undefined> {
    return (await this.#current()).batch?.(options);
  }

  async *stream(
    inputs: ModelInputs,
    options?: GenerateOptions,
  ): AsyncGenerator<{ tokenIds: number[] }> {
    const model = await this.#current();
    const { device } = this.gpu;
    try {
      yield* model.stream(inputs, options);
    } catch (error) {
      throw this.#reason(error, device);
    }
  }

  /** @throws TransformerError DEVICE_LOST after a loss, until the model was loaded again */
  trainable(): TrainableModel {
    if (!this.#disposed && this.gpu.device !== this.#device) {
      throw new TransformerError(
        'DEVICE_LOST',
        'The weights of this model were on a device that is lost. Its next forward or generate loads it again: ' +
          'call one of these first.',
      );
    }
    return this.inner.trainable();
  }

  async ready(): Promise<void> {
    await this.#current();
  }

  whenReloaded(change: () => Promise<void>): () => void {
    this.#changes.add(change);
    return () => void this.#changes.delete(change);
  }

  dispose(): void {
    this.#disposed = true;
    this.inner.dispose();
  }

  async #do<T>(work: (model: Model) => Promise<T>): Promise<T> {
    const model = await this.#current();
    const { device } = this.gpu;
    try {
      return await work(model);
    } catch (error) {
      throw this.#reason(error, device);
    }
  }

  /** Why a call failed: a model that another was loaded in place of is disposed of, but ended with its device. */
  #reason(error: unknown, device: unknown): unknown {
    if (this.#disposed || !isDisposed(error) || this.gpu.device === device) return error;
    return lostError(error);
  }

  /** The model on the device in use. Calls at once share one load; one that failed is tried again. */
  async #current(): Promise<Model> {
    if (this.#disposed) throw disposedError();
    await this.gpu.recovered();
    if (this.gpu.device !== this.#device) {
      this.#loading ??= this.#reload().finally(() => (this.#loading = undefined));
      await this.#loading;
    }
    if (this.#disposed) throw disposedError();
    return this.inner;
  }

  async #reload(): Promise<void> {
    this.inner.dispose();
    const { device } = this.gpu;
    const model = await this.#load();
    this.inner = model;
    this.#device = device;
    if (this.#disposed) model.dispose();
    else await this.#change();
  }

  /** Changes the model as the one before was. One that lacks a change is loaded once more. */
  async #change(): Promise<void> {
    try {
      for (const change of this.#changes) await change();
    } catch (error) {
      this.#device = undefined;
      throw error;
    }
  }
}

function isDisposed(error: unknown): boolean {
  return error instanceof TransformerError && error.code === 'DISPOSED';
}
