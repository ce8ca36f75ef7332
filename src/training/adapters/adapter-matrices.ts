// What an adapter keeps on a device, for the model as it stands: made anew when that comes back from a loss.

import type { Gpu } from '../../runtime/gpu.ts';
import type { Scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import type { Model } from '../../model/model.ts';
import type { EmbeddingUpdate, EmbeddingWeights } from '../../model/layers/embeddings.ts';
import type { Adapt, TrainableModel } from '../../model/trainable-model.ts';
import type { ExpertLinear } from '../../model/weights/expert-weights.ts';
import type { Linear } from '../../model/weights/linear-weights.ts';
import type { Parameters } from '../../model/weights/parameters.ts';
import { writeParameters } from '../../model/weights/read-parameters.ts';
import { write } from '../../model/weights/slice-writer.ts';
import type { StoredValues } from '../../source/safetensors-writer.ts';
import { expectPlain, type KeptRanks } from './adaptive-ranks.ts';
import { selectExperts } from './expert-targets.ts';
import { decomposed, expectNoEmbedding, rowLengths, together } from './dora.ts';
import {
  type AdaptedLayer,
  drawMatrices,
  lowRank,
  lowRankExperts,
  lowRankRows,
  makeMatrices,
  type Matrices,
  type MatrixValues,
  type SizedLayer,
} from './lora-matrices.ts';
import { type CheckedLoraOptions, sizeOf } from './lora-options.ts';
import { modulesOf, selectLayers } from './lora-targets.ts';
import { RankAllocation } from './rank-allocation.ts';
import { expectApart, plainValues, selectModules } from './whole-modules.ts';

export class AdapterMatrices {
  /** The names of the adapted layers, of parameters of experts, and of the modules that train whole. */
  readonly targets: readonly string[];
  readonly targetParameters: readonly string[];
  readonly modulesToSave: readonly string[];
  /** How ranks are shared, of adapters that share them. */
  readonly allocation: RankAllocation | undefined;
  readonly #gpu: Gpu;
  readonly #options: CheckedLoraOptions;
  #matrices: Matrices;
  /** What the matrices held before any training. */
  #first: MatrixValues;
  /** Which ranks were left before any training. */
  #firstKept: KeptRanks | undefined;
  /** Whether the modules that train whole have values. */
  #isWhole: boolean;
  #beginning: Promise<void> | undefined;

  /** @throws TransformerError OPTION_INVALID, MODEL_UNSUPPORTED */
  constructor(model: TrainableModel, options: CheckedLoraOptions) {
    this.#gpu = model.gpu;
    this.#options = options;
    this.#first = (adapted) => drawMatrices(adapted, options.seed);
    this.#matrices = this.#make(model, this.#first);
    this.#isWhole = this.#matrices.isWhole;
    this.targets = this.sized.flatMap(({ name, experts }) => (experts ? [] : name));
    this.targetParameters = this.sized.flatMap(({ name, experts }) => (experts ? name : []));
    this.modulesToSave = this.#matrices.modules.names;
    const { adaptive } = options;
    this.allocation = adaptive && new RankAllocation(this.#gpu, adaptive, () => this.#matrices);
  }

  get layers(): readonly AdaptedLayer[] {
    return this.#matrices.layers;
  }

  /** The layers as files have them. */
  get sized(): readonly SizedLayer[] {
    return this.#matrices.sized;
  }

  /** Its own weights of modules that train whole, by those of the model. */
  get whole(): ReadonlyMap<Tensor, Tensor> {
    return this.#matrices.whole;
  }

  get parameters(): Parameters {
    return this.#matrices.parameters;
  }

  get scope(): Scope {
    return this.#matrices.scope;
  }

  /** The weights of the model that it changes, or that its own stand for. */
  get adapted(): Tensor[] {
    return [...this.layers.map(({ tensor }) => tensor), ...this.whole.keys()];
  }

  /** Adds (α / r)·B·A, `weight` times, to layers beside their products and what others add. */
  adapt(weight: number): Adapt {
    const { layers, whole: tensors } = this;
    const { dropout, dora } = this.#options;
    const linear = (layer: Linear): Linear => {
      const own = layers.filter(
        ({ tensor, isEmbedding }) => !isEmbedding && tensor === layer.weight,
      );
      if (own.length === 0) return layer;
      if (dora) return decomposed(layer, own, { weight, dropout });
      if (layer.rescales === true) throw together(layer);
      const update = lowRank(own, { weight, dropout });
      const before = layer.update;
      return { ...layer, update: before ? (y, x) => update(before(y, x), x) : update };
    };
    const embedding = (weights: EmbeddingWeights): EmbeddingWeights => {
      const own = layers.filter(
        ({ tensor, isEmbedding }) => isEmbedding && tensor === weights.tokens,
      );
      if (own.length === 0) return weights;
      const update = lowRankRows(own, { weight });
      const before = weights.update;
      const both: EmbeddingUpdate = (y, ...rest) => update(before?.(y, ...rest) ?? y, ...rest);
      return { ...weights, update: both };
    };
    const experts = (layer: ExpertLinear): ExpertLinear => {
      const own = layers.filter(({ tensor }) => tensor === layer.weight);
      if (own.length === 0) return layer;
      const update = lowRankExperts(own, { weight });
      const before = layer.update;
      return { ...layer, update: (y, ...rest) => update(before?.(y, ...rest) ?? y, ...rest) };
    };
    return { linear, experts, embedding, tensors };
  }

  /** Waits until all has values; undefined where there is nothing to wait for. */
  ready(): Promise<void> | undefined {
    if (this.#isWhole) return undefined;
    return (this.#beginning ??= this.#begin().finally(() => (this.#beginning = undefined)));
  }

  /** Takes over values that are known. */
  fill(values: ReadonlyMap<string, StoredValues>, kept?: KeptRanks): void {
    this.allocation?.resume(kept);
    this.#firstKept = kept;
    writeParameters(this.#gpu, this.parameters, values);
    this.#isWhole = true;
    if (this.#gpu.recovers) this.#first = () => values;
  }

  /** Makes all anew for the model as it stands now, with these values, else as before any training. */
  replace(model: Model, values: MatrixValues = this.#first): void {
    const before = this.#matrices;
    this.#matrices = this.#make(model.trainable(), values);
    this.#isWhole = this.#matrices.isWhole;
    this.allocation?.resume(this.#firstKept);
    before.scope.dispose();
  }

  #make(model: TrainableModel, values: MatrixValues): Matrices {
    const { patterns, whole, parameters } = this.#options;
    const layers = [
      ...selectLayers(modulesOf(model), patterns),
      ...selectExperts(model, parameters),
    ];
    const modules = selectModules(model, whole);
    expectApart(layers, modules);
    const sized = layers.map((layer) => ({ ...layer, ...sizeOf(layer.name, this.#options) }));
    const { dora, adaptive } = this.#options;
    if (dora) expectNoEmbedding('dora', layers);
    if (adaptive) expectPlain(layers);
    return makeMatrices(this.#gpu, { layers: sized, modules, dora }, values);
  }

  /** Has modules that train whole, and the lengths of rows, begin with what the model has. */
  async #begin(): Promise<void> {
    const matrices = this.#matrices;
    const values = await plainValues(this.#gpu, [...matrices.whole.keys()]);
    const lengths = await rowLengths(this.#gpu, matrices.layers);
    if (this.#matrices !== matrices || this.#isWhole) return;
    for (const [magnitude, own] of lengths) write(this.#gpu, magnitude, 0, own);
    for (const [base, own] of matrices.whole) {
      write(this.#gpu, own, 0, values.get(base) ?? new Float32Array());
    }
    this.#isWhole = true;
  }
}
