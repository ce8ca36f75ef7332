// LoRA: Low-Rank Adaptation, which "freezes the pre-trained model weights and injects trainable rank
// decomposition matrices into each layer of the Transformer architecture" (Hu et al., 2021, arXiv
// 2106.09685).

import { TransformerError } from '../../runtime/errors.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import { allOf } from '../../runtime/read-back.ts';
import type { Model } from '../../model/model.ts';
import type { Parameters } from '../../model/weights/parameters.ts';
import { readParameters } from '../../model/weights/read-parameters.ts';
import type { StoredValues } from '../../source/safetensors-writer.ts';
import { type NamedFile, openTarget, type Target } from '../../source/target.ts';
import type { Adapt, TrainableModel } from '../../model/trainable-model.ts';
import { trainableOf } from '../check.ts';
import { writeFiles } from '../model-files.ts';
import '../trainable-models.ts';
import { AdapterMatrices } from './adapter-matrices.ts';
import { type AdapterConfig, type AdapterOrigin, originOf } from './lora-config.ts';
import { adapterFiles } from './lora-files.ts';
import type { KeptRanks } from './adaptive-ranks.ts';
import type { RankAllocation } from './rank-allocation.ts';
import type { MatrixValues } from './lora-matrices.ts';
import { isMergedInto, Merge, type MergedRows, mergedRows, wholeRows } from './lora-merge.ts';
import { checkLoraOptions, checkOrigin, type LoraOptions } from './lora-options.ts';
import type { Adapter } from '../trainer-options.ts';

/**
 * Low-rank updates of a model's linear layers: "h = W₀x + ΔWx = W₀x + BAx" (§4.1, eq. 3), scaled by
 * α / r, where W₀ stays as it is.
 *
 * An adapter takes effect in the lists of a `Trainer` that was given it, in what `withAdapters` gives, and in the
 * model's `forward` and `generate` while it is merged, not otherwise. It trains on models that were loaded plainly: the
 * weights are only read, in their storage format, and the update is computed beside them.
 */
export class Lora implements Adapter {
  /** The rank of layers that have none of their own. */
  readonly rank: number;
  /** α: products are scaled by α / rank, or α / √rank with `rsLora`. */
  readonly alpha: number;
  /** The names of the adapted layers. */
  readonly targets: readonly string[];
  /** The names of the adapted parameters of experts. */
  readonly targetParameters: readonly string[];
  /** The names of the modules that train whole. */
  readonly modulesToSave: readonly string[];
  readonly #gpu: Gpu;
  readonly #model: Model;
  readonly #config: AdapterConfig;
  readonly #matrices: AdapterMatrices;
  #merged: Merge | undefined;
  /** Ends that a model which loads again is merged with again. */
  #stay: (() => void) | undefined;
  #uses = 0;
  #changing = false;
  #disposed = false;

  /**
   * A new adapter: "We use a random Gaussian initialization for A and zero for B, so ΔW = BA is zero
   * at the beginning of training" (§4.1). Departs from the paper: A is drawn as PEFT and the authors'
   * own code do, uniformly from ±1/√input (He et al. 2015, with slope √5).
   * `origin`: where the files say that an adapter comes from which was loaded.
   * @throws TransformerError OPTION_UNKNOWN, OPTION_INVALID, MODEL_UNSUPPORTED
   */
  constructor(model: Model, options: LoraOptions = {}, origin?: AdapterOrigin) {
    if (origin !== undefined) checkOrigin(origin);
    const checked = checkLoraOptions(options);
    this.#matrices = new AdapterMatrices(trainableOf('The model', model), checked);
    this.#model = model;
    this.#gpu = model.gpu;
    this.#config = { ...checked, ...(origin ?? originOf(model.config)) };
    this.rank = checked.rank;
    this.alpha = checked.alpha;
    this.targets = this.#matrices.targets;
    this.targetParameters = this.#matrices.targetParameters;
    this.modulesToSave = this.#matrices.modulesToSave;
  }

  /** @internal */
  get parameters(): Parameters {
    this.#expectUsable();
    return this.#matrices.parameters;
  }

  /** How ranks are shared as training goes; undefined where they stay as they are. @internal */
  get allocation(): RankAllocation | undefined {
    return this.#matrices.allocation;
  }

  /** Whether the model's own weights hold the update. */
  get isMerged(): boolean {
    return this.#merged !== undefined;
  }

  /** Adds (α / r)·B·A, `weight` times, to layers beside their products and what others add. @internal */
  readonly adapt = (weight: number = 1): Adapt => {
    this.#expectUsable();
    return this.#matrices.adapt(weight);
  };

  /** Waits until modules that train whole hold what the model has; undefined where there is nothing to wait for. @internal */
  readonly ready = (): Promise<void> | undefined => this.#matrices.ready();

  /**
   * Begins a time in which lists with this adapter are played; the result ends it.
   * @throws TransformerError INPUT_INVALID when it is merged, or belongs to another model
   * @internal
   */
  readonly use = (model: TrainableModel): (() => void) => {
    this.#expectApart();
    if (!this.#matrices.adapted.every((tensor) => model.weights.includes(tensor))) {
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

  /**
   * Makes the matrices anew, as they were before any training, on a device that came back.
   * @throws TransformerError INPUT_INVALID when it is merged
   * @internal
   */
  readonly renew = (): void => {
    this.#expectApart();
    this.#replace();
  };

  /** Takes over what was read from files. @internal */
  fill(values: ReadonlyMap<string, StoredValues>, kept?: KeptRanks): void {
    this.#expectUsable();
    this.#matrices.fill(values, kept);
  }

  /** The files of the adapter as it stands when this is called. */
  async files(): Promise<NamedFile[]> {
    this.#expectHere();
    const begun = this.ready();
    if (begun !== undefined) await begun;
    const { sized: layers, allocation } = this.#matrices;
    const kept = allocation?.kept;
    const values = await readParameters(this.#gpu, this.parameters);
    return adapterFiles(this.#config, { layers, kept, modules: this.modulesToSave }, values);
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
   * A model that loads again after the loss of its device is merged again.
   * @throws TransformerError INPUT_INVALID, OPTION_INVALID when f16 cannot hold the result
   */
  async merge(): Promise<void> {
    this.#expectHere();
    if (this.isMerged) {
      throw new TransformerError('INPUT_INVALID', 'The adapter is merged already. See isMerged.');
    }
    if (isMergedInto(this.#matrices.adapted)) {
      throw new TransformerError(
        'INPUT_INVALID',
        'Another adapter is merged into these weights. Call unmerge() of that one first.',
      );
    }
    await this.#change(async () => {
      await this.ready();
      const values = this.#gpu.recovers
        ? readParameters(this.#gpu, this.parameters)
        : Promise.resolve(new Map());
      const [rows, held] = await allOf([this.#updatedRows(), values]);
      this.#expectUsable();
      this.#merged = new Merge(rows);
      this.#stay = this.#model.whenReloaded?.(() => this.#mergeAgain(() => held));
    });
  }

  /**
   * Puts the weights back as they were before `merge`, bit for bit.
   * @throws TransformerError INPUT_INVALID when it is not merged
   */
  async unmerge(): Promise<void> {
    this.#expectHere();
    const merged = this.#merged;
    if (merged === undefined) {
      throw new TransformerError('INPUT_INVALID', 'The adapter is not merged. See isMerged.');
    }
    await this.#change(async () => {
      merged.undo();
      this.#merged = undefined;
      this.#stay?.();
    });
  }

  /** Frees the adapter's memory. What is merged stays merged, for good. */
  dispose(): void {
    this.#disposed = true;
    this.#letGo();
    this.#matrices.scope.dispose();
  }

  /** The same, at the end of a block: `using lora = new Lora(…)`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  async #updatedRows(): Promise<MergedRows[]> {
    const { layers, whole } = this.#matrices;
    const parts = [mergedRows(this.#gpu, layers), wholeRows(this.#gpu, whole)];
    return (await allOf(parts)).flat();
  }

  /** Merges these values into a model that was loaded again; also what was merged for good. */
  async #mergeAgain(values: MatrixValues): Promise<void> {
    this.#replace(values);
    try {
      this.#merged = new Merge(await this.#updatedRows());
    } finally {
      if (this.#disposed) this.dispose();
    }
  }

  /** Makes the matrices anew, for the model as it stands now. */
  #replace(values?: MatrixValues): void {
    this.#letGo();
    this.#matrices.replace(this.#model, values);
  }

  /** Forgets what stood in the weights. */
  #letGo(): void {
    this.#merged?.letGo();
    this.#merged = undefined;
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

  #expectApart(): void {
    this.#expectUsable();
    if (!this.isMerged && !this.#changing) return;
    throw new TransformerError(
      'INPUT_INVALID',
      'The adapter is merged into the model, so a list would add it twice. Call unmerge() first.',
    );
  }

  /** Refuses to go on with matrices that went with a lost device which comes back. */
  #expectHere(): void {
    const comesBack = !this.#disposed && this.#gpu.recovers;
    if (!comesBack || this.#matrices.scope.isCurrent) return this.#expectUsable();
    throw new TransformerError(
      'DEVICE_LOST',
      'The adapter went with a device that was lost. The next step of its trainer takes it up again, or the ' +
        'next call of a model that it is merged into; else make or load it anew.',
    );
  }

  #expectUsable(): void {
    if (this.#disposed) {
      throw new TransformerError('DISPOSED', 'This adapter was disposed. Make or load a new one.');
    }
    this.#model.trainable(); // throws when the model was disposed
  }
}
