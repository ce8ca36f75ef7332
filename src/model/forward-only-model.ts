// What loaded models have in common that do nothing but `forward`: they generate nothing.

import { TransformerError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { Scope } from '../runtime/scope.ts';
import type { JsonObject } from '../source/json.ts';
import type { ForwardPlan } from './forward-plan.ts';
import type { HeadBatch } from './heads/head.ts';
import {
  assertCurrent,
  type ForwardOptions,
  type LoadedParts,
  type Model,
  type ModelInputs,
  type ModelOutput,
} from './model.ts';
import { PlanCache } from './plan-cache.ts';
import type { Look } from './points/look.ts';
import type { Listing } from './points/list-points.ts';
import { PointList } from './points/point-list.ts';
import type { ModelPoint } from './points/point-options.ts';
import type { TrainableModel } from './trainable-model.ts';

/** The lists of `forward` that are kept. */
const forwardPlans = 8;

export abstract class ForwardOnlyModel<Batch extends HeadBatch> implements Model {
  readonly gpu: Gpu;
  readonly config: JsonObject;
  abstract readonly maxPositions: number;
  readonly #parts: LoadedParts;
  readonly #plans = new PlanCache<ForwardPlan<Batch>>(forwardPlans);
  readonly #points: PointList;
  readonly #reason: string;

  /** `reason`: why it does not generate, and what to do instead. */
  constructor(parts: LoadedParts, reason: string) {
    this.gpu = parts.gpu;
    this.config = parts.config;
    this.#parts = parts;
    this.#points = new PointList(parts, this.#plans, () => this.listing());
    this.#reason = reason;
  }

  get generationConfig(): JsonObject {
    return this.#parts.generation;
  }

  get warnings(): readonly string[] {
    return this.#parts.warnings.texts;
  }

  points(): Promise<ModelPoint[]> {
    return this.#points.get();
  }

  /** How its points are listed. */
  protected abstract listing(): Promise<Listing>;

  abstract forward(inputs: ModelInputs, options?: ForwardOptions): Promise<ModelOutput>;

  async generate(): Promise<never> {
    throw new TransformerError('MODEL_UNSUPPORTED', this.#reason);
  }

  async generateTogether(): Promise<never> {
    return this.generate();
  }

  async *stream(): AsyncGenerator<never> {
    yield await this.generate();
  }

  abstract trainable(): TrainableModel;

  async ready(): Promise<void> {
    this.#plans.assertUsable();
  }

  dispose(): void {
    this.#plans.dispose();
    this.#parts.scope.dispose();
    this.#parts.onDispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Plays the list of a shape, recorded by what `load` gives when there is none. */
  protected play(
    batch: Batch,
    shape: object,
    load: () => Promise<(owner: Scope) => Promise<ForwardPlan<Batch>>>,
    { signal, look }: { readonly signal: AbortSignal | undefined; readonly look: Look | undefined },
  ): Promise<ModelOutput> {
    const record = async (): Promise<ForwardPlan<Batch>> => {
      const plan = await load();
      this.#plans.assertUsable();
      assertCurrent(this.#parts);
      return plan(this.#parts.scope);
    };
    return this.#plans.share(JSON.stringify(shape), record, (plan) =>
      plan.play(batch, signal, look),
    );
  }
}
