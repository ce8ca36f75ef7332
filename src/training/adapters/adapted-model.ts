// A model with adapters beside its weights, which stay as they are: several of them over one model, each call with
// its own (as "S-LoRA", Sheng et al. 2023, arXiv 2311.03285, serves them).

import { fieldsOf, isA, refuseUnknown, TransformerError } from '../../runtime/errors.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import { show } from '../../runtime/print.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import type { CallBatch } from '../../model/generation/batch/batch.ts';
import type { BatchOptions } from '../../model/generation/batch/batch-options.ts';
import type { GenerateOptions } from '../../model/generation/options.ts';
import type {
  ForwardOptions,
  GenerateCall,
  GenerateOutputOptions,
  GenerateResult,
  Model,
  ModelInputs,
  ModelOutput,
} from '../../model/model.ts';
import { ModelProxy } from '../../model/model-proxy.ts';
import type { ModelPoint } from '../../model/points/point-options.ts';
import type { Adapt, TrainableModel } from '../../model/trainable-model.ts';
import { invalidOption, trainableOf } from '../check.ts';
import { Lora } from './lora.ts';

/** An adapter, and how many times its update counts; once when absent. */
export interface WeightedAdapter {
  /** The adapter. */
  adapter: Lora;
  /** What its product is multiplied by, beside its own scale. */
  weight?: number;
}

/**
 * The model with these adapters, of which each adds its update, so many times as `weight` says, and brings the modules
 * that it trained whole: it computes what the model does once they are merged, in `forward`, `generate` and `stream`, whatever format the weights are held in. The
 * model itself goes on without them, and any number of such views share its weights. A view sees how its adapters
 * train. Disposing of it leaves the model and the adapters; it ends with them.
 * @throws TransformerError INPUT_INVALID, OPTION_INVALID; its calls INPUT_INVALID while an adapter is merged
 * @example
 * const french = withAdapters(model, await loadLora(model, 'adapters/french'));
 * await french.generate(inputs);
 */
export function withAdapters(
  model: Model,
  adapters: Lora | readonly (Lora | WeightedAdapter)[],
): Model {
  const trainable = trainableOf('The model', model);
  const list = Array.from<unknown>(Array.isArray(adapters) ? adapters : [adapters]);
  if (list.length === 0) throw invalidOption('adapters', adapters, 'at least one Lora');
  return new AdaptedModel(trainable, list.map(checkAdapter));
}

function checkAdapter(given: unknown): Required<WeightedAdapter> {
  if (isA(given, Lora)) return { adapter: given, weight: 1 };
  const fields = Object.fromEntries(fieldsOf(given, 'An adapter'));
  refuseUnknown(fields, ['adapter', 'weight'], 'field of an adapter');
  const { adapter, weight = 1 } = fields;
  if (!isA(adapter, Lora)) throw invalidOption('adapter', adapter, 'a Lora');
  if (typeof weight !== 'number' || !Number.isFinite(weight)) {
    throw invalidOption('weight', weight, 'a number');
  }
  return { adapter, weight };
}

class AdaptedModel extends ModelProxy implements Model {
  readonly #trainable: TrainableModel;
  readonly #adapters: readonly Required<WeightedAdapter>[];
  protected readonly inner: Model;

  constructor(trainable: TrainableModel, adapters: readonly Required<WeightedAdapter>[]) {
    super();
    this.#trainable = trainable;
    this.#adapters = adapters;
    this.#use()();
    const all = adapters.map(({ adapter, weight }) => adapter.adapt(weight));
    this.inner = trainable.adapted(together(all));
  }

  get gpu(): Gpu {
    return this.inner.gpu;
  }

  points(): Promise<ModelPoint[]> {
    return this.#during(() => this.inner.points());
  }

  forward(inputs: ModelInputs, options?: ForwardOptions): Promise<ModelOutput> {
    return this.#during(() => this.inner.forward(inputs, options));
  }

  generate(
    inputs: ModelInputs,
    options?: GenerateOptions & GenerateOutputOptions,
  ): Promise<GenerateResult> {
    return this.#during(() => this.inner.generate(inputs, options));
  }

  generateTogether(calls: readonly GenerateCall[]): Promise<GenerateResult[]> {
    return this.#during(() => this.inner.generateTogether(calls));
  }

  /** One of the model inside; while calls are in it, no adapter may be merged. */
  async batch(options: BatchOptions): Promise<CallBatch | undefined> {
    const batch = await this.#during(async () => this.inner.batch?.(options));
    if (batch === undefined) return undefined;
    const join: CallBatch['join'] = async (inputs, asked) => {
      const release = this.#use();
      try {
        await this.#begun();
        const stream = await batch.join(inputs, asked);
        if (stream !== undefined) return releasing(stream, release);
      } catch (error) {
        release();
        throw error;
      }
      release();
      return undefined;
    };
    return {
      join,
      dispose: (error) => batch.dispose(error),
      get load() {
        return batch.load;
      },
    };
  }

  async *stream(
    inputs: ModelInputs,
    options?: GenerateOptions,
  ): AsyncGenerator<{ tokenIds: number[] }, void, undefined> {
    const release = this.#use();
    try {
      await this.#begun();
      yield* this.inner.stream(inputs, options);
    } finally {
      release();
    }
  }

  async ready(): Promise<void> {
    await this.#during(async () => this.inner.ready?.());
  }

  trainable(): TrainableModel {
    throw new TransformerError(
      'INPUT_INVALID',
      `This is a view of a ${show(this.config['model_type'])} with adapters. Train the model that it was made of.`,
    );
  }

  dispose(): void {
    this.inner.dispose();
  }

  async #during<T>(work: () => Promise<T>): Promise<T> {
    const release = this.#use();
    try {
      await this.#begun();
      return await work();
    } finally {
      release();
    }
  }

  /** Waits until the adapters have all their values. */
  async #begun(): Promise<void> {
    for (const { adapter } of this.#adapters) await adapter.ready();
  }

  /** Begins a time in which no adapter may be merged; the result ends it. */
  #use(): () => void {
    const releases: (() => void)[] = [];
    const release = (): void => releases.forEach((end) => end());
    try {
      for (const { adapter } of this.#adapters) releases.push(adapter.use(this.#trainable));
    } catch (error) {
      release();
      throw error;
    }
    return release;
  }
}

/** A stream, to its end, and what is to be done then. */
async function* releasing<Item>(
  stream: AsyncGenerator<Item, void, undefined>,
  release: () => void,
): AsyncGenerator<Item, void, undefined> {
  try {
    yield* stream;
  } finally {
    release();
  }
}

/** What several adapters make of the same weights. @throws TransformerError OPTION_INVALID */
function together(all: readonly Adapt[]): Adapt {
  const tensors = new Map<Tensor, Tensor>();
  for (const [base, own] of all.flatMap((each) => [...(each.tensors ?? [])])) {
    if (tensors.has(base)) {
      throw new TransformerError(
        'OPTION_INVALID',
        `Two of the adapters have a "${base.label}" of their own (modulesToSave). Take one of them.`,
      );
    }
    tensors.set(base, own);
  }
  return {
    linear: (layer) => all.reduce((made, each) => each.linear(made), layer),
    experts: (layer) => all.reduce((made, each) => each.experts?.(made) ?? made, layer),
    embedding: (weights) => all.reduce((made, each) => each.embedding?.(made) ?? made, weights),
    tensors,
  };
}
