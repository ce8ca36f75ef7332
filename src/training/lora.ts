// LoRA: Low-Rank Adaptation, which "freezes the pre-trained model weights and injects trainable rank
// decomposition matrices into each layer of the Transformer architecture" (Hu et al., 2021, arXiv
// 2106.09685).

import { TransformerError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { Recording } from '../runtime/record.ts';
import { Scope } from '../runtime/scope.ts';
import type { Tensor } from '../runtime/tensor.ts';
import { openSource } from '../source/open-source.ts';
import type { Model } from '../model/model.ts';
import type { Parameters } from '../model/weights/parameters.ts';
import { readParameters, writeParameters } from '../model/weights/read-parameters.ts';
import type { Source } from '../source/source.ts';
import { openTarget, type Target } from '../source/target.ts';
import type { Adapt, TrainableModel } from '../model/trainable-model.ts';
import { trainableOf } from './check.ts';
import { type NamedFile, writeFiles } from './checkpoint.ts';
import './trainable-models.ts';
import { type AdapterConfig, adapterFiles, originOf, readAdapter } from './lora-files.ts';
import { type AdaptedLayer, allocateMatrices, drawMatrices, lowRank } from './lora-matrices.ts';
import { mergedRows, type SavedRows } from './lora-merge.ts';
import { checkLoraOptions, checkOrigin, type LoraOptions } from './lora-options.ts';
import { modulesOf, selectLayers } from './lora-targets.ts';
import type { Adapter } from './trainer-options.ts';

/** The adapter that is merged into a weight. It belongs to the weight, so it goes when that goes. */
const mergedInto = new WeakMap<Tensor, Lora>();

/**
 * Low-rank updates of a model's linear layers: "h = W₀x + ΔWx = W₀x + BAx" (§4.1, eq. 3), scaled by
 * α / r, where W₀ stays as it is.
 *
 * An adapter takes effect in the lists of a `Trainer` that was given it, and in the model's `forward`
 * and `generate` while it is merged, not otherwise. It trains on models that were loaded plainly: the
 * weights are only read, in their storage format, and the update is computed beside them.
 */
export class Lora implements Adapter {
  readonly rank: number;
  readonly alpha: number;
  /** The names of the adapted layers. */
  readonly targets: readonly string[];
  readonly #parameters: Parameters;
  readonly #gpu: Gpu;
  readonly #model: Model;
  readonly #scope: Scope;
  readonly #config: AdapterConfig;
  readonly #layers: readonly AdaptedLayer[];
  /** The rows that stood where the adapter is merged in. */
  #saved: readonly SavedRows[] | undefined;
  #uses = 0;
  #changing = false;
  #disposed = false;

  /**
   * A new adapter: "We use a random Gaussian initialization for A and zero for B, so ΔW = BA is zero
   * at the beginning of training" (§4.1). Departs from the paper: A is drawn as PEFT and the authors'
   * own code do, uniformly from ±1/√input (He et al. 2015, with slope √5).
   * `origin`: what else the files say that an adapter was loaded from.
   * @throws TransformerError OPTION_UNKNOWN, OPTION_INVALID, MODEL_UNSUPPORTED
   */
  constructor(
    model: Model,
    options: LoraOptions = {},
    origin?: Omit<AdapterConfig, 'rank' | 'alpha'>,
  ) {
    if (origin !== undefined) checkOrigin(origin);
    const { rank, alpha, seed, patterns } = checkLoraOptions(options);
    const layers = selectLayers(modulesOf(trainableOf('The model', model)), patterns);
    this.#model = model;
    this.#gpu = model.gpu;
    this.#config = { rank, alpha, ...(origin ?? originOf(model.config)) };
    this.rank = rank;
    this.alpha = alpha;
    this.targets = layers.map(({ name }) => name);
    this.#scope = new Scope(model.gpu);
    try {
      const made = allocateMatrices(this.#scope, layers, rank);
      this.#layers = made.layers;
      this.#parameters = made.parameters;
      // Where there was no room for them, the first list that reads them fails.
      const { device } = model.gpu;
      device.pushErrorScope('validation');
      writeParameters(model.gpu, made.parameters, drawMatrices(made.layers, seed));
      device.popErrorScope().catch(() => {});
    } catch (error) {
      this.#scope.dispose();
      throw error;
    }
  }

  /** @internal */
  get parameters(): Parameters {
    this.#expectUsable();
    return this.#parameters;
  }

  /** Whether the model's own weights hold the update. */
  get isMerged(): boolean {
    return this.#saved !== undefined;
  }

  /** Adds (α / r)·B·A to layers beside their products while a list is recorded. @internal */
  readonly adapt = (recording: Recording): Adapt => {
    this.#expectUsable();
    const { dropout } = this.#config;
    if (dropout > 0 && recording.training && recording.random !== undefined) {
      throw new TransformerError(
        'MODEL_UNSUPPORTED',
        `The adapter was trained with lora_dropout ${dropout}, which is not supported. Give the ` +
          'Trainer dropout: false, or set lora_dropout to 0 in adapter_config.json.',
      );
    }
    const scale = this.alpha / this.rank;
    return (layer) => {
      const own = this.#layers.filter(({ tensor }) => tensor === layer.weight);
      return own.length === 0 ? layer : { ...layer, update: lowRank(own, scale) };
    };
  };

  /**
   * Begins a time in which lists with this adapter are played; the result ends it.
   * @throws TransformerError INPUT_INVALID when it is merged, or belongs to another model
   * @internal
   */
  readonly use = (model: TrainableModel): (() => void) => {
    this.#expectUsable();
    if (this.isMerged || this.#changing) {
      throw new TransformerError(
        'INPUT_INVALID',
        'The adapter is merged into the model, so a list would add it twice. Call unmerge() first.',
      );
    }
    if (!this.#layers.every(({ tensor }) => model.weights.includes(tensor))) {
      throw new TransformerError(
        'INPUT_INVALID',
        "The adapter was made for another model. Give the trainer that one, or load this model's own.",
      );
    }
    this.#uses += 1;
    return () => {
      this.#uses -= 1;
    };
  };

  /** The files of the adapter as it stands when this is called. */
  async files(): Promise<NamedFile[]> {
    this.#expectUsable();
    const values = await readParameters(this.#gpu, this.#parameters);
    const isTransposed = this.#layers.every(({ transposed }) => transposed);
    return adapterFiles({ ...this.#config, modules: this.targets }, values, isTransposed);
  }

  /**
   * Writes adapter_config.json and adapter_model.safetensors to a folder, as PEFT does.
   * @throws TransformerError FILE_UNWRITABLE
   */
  async save(target: string | URL | Target): Promise<void> {
    await writeFiles(openTarget(target), await this.files());
  }

  /**
   * Writes W + (α / r)·B·A to where W lies, rounded to its storage format: "we can explicitly compute
   * and store W = W₀ + BA and perform inference as usual" (§4.1). The rows that stood there are kept.
   * Wait for generations under way, or their later tokens come from other weights than the first.
   * @throws TransformerError INPUT_INVALID, OPTION_INVALID when f16 cannot hold the result
   */
  async merge(): Promise<void> {
    this.#expectUsable();
    if (this.isMerged) {
      throw new TransformerError('INPUT_INVALID', 'The adapter is merged already. See isMerged.');
    }
    if (this.#layers.some(({ tensor }) => mergedInto.has(tensor))) {
      throw new TransformerError(
        'INPUT_INVALID',
        'Another adapter is merged into these weights. Call unmerge() of that one first.',
      );
    }
    await this.#change(async () => {
      const rows = await mergedRows(this.#gpu, this.#layers, this.alpha / this.rank);
      this.#expectUsable();
      for (const { write, merged } of rows) write(merged);
      for (const { tensor } of this.#layers) mergedInto.set(tensor, this);
      this.#saved = rows.map(({ before, write }) => ({ before, write }));
    });
  }

  /**
   * Puts the weights back as they were before `merge`, bit for bit.
   * @throws TransformerError INPUT_INVALID when it is not merged
   */
  async unmerge(): Promise<void> {
    this.#expectUsable();
    const saved = this.#saved;
    if (saved === undefined) {
      throw new TransformerError('INPUT_INVALID', 'The adapter is not merged. See isMerged.');
    }
    await this.#change(async () => {
      for (const { write, before } of saved) write(before);
      this.#letGo();
    });
  }

  /** Frees the adapter's memory. What is merged stays merged, for good. */
  dispose(): void {
    this.#disposed = true;
    this.#letGo();
    this.#scope.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Forgets what stood in the weights. */
  #letGo(): void {
    for (const { tensor } of this.#layers) {
      if (mergedInto.get(tensor) === this) mergedInto.delete(tensor);
    }
    this.#saved = undefined;
  }

  /** Changes the weights, while nobody else does and no trainer counts on them. */
  async #change(work: () => Promise<void>): Promise<void> {
    if (this.#uses > 0 || this.#changing) {
      throw new TransformerError(
        'INPUT_INVALID',
        'The adapter is in use: by a loop of steps, an evaluation, or another merge(). Wait for its end.',
      );
    }
    this.#changing = true;
    try {
      await work();
    } catch (error) {
      this.#expectUsable();
      throw error;
    } finally {
      this.#changing = false;
    }
  }

  #expectUsable(): void {
    if (this.#disposed) {
      throw new TransformerError('DISPOSED', 'This adapter was disposed. Make or load a new one.');
    }
    this.#model.trainable(); // throws when the model was disposed
  }
}

/**
 * An adapter that `save` or PEFT wrote to a folder, for the model it was trained on.
 * @throws TransformerError FILE_*, CONFIG_INVALID, MODEL_UNSUPPORTED, TENSOR_MISSING, TENSOR_MISMATCH
 */
export async function loadLora(model: Model, source: string | URL | Source): Promise<Lora> {
  const files = openSource(source);
  try {
    const modules = modulesOf(trainableOf('The model', model));
    const stored = await readAdapter(files, modules);
    const { rank, alpha, modules: targets, values, dropout, baseModel, taskType } = stored;
    const adapter = new Lora(model, { rank, alpha, targets }, { dropout, baseModel, taskType });
    writeParameters(model.gpu, adapter.parameters, values);
    return adapter;
  } finally {
    files.release?.();
  }
}
