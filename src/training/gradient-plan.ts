// The list that computes the gradients of one batch, recorded for a batch size and padded lengths.

import { gradients } from '../runtime/gradient.ts';
import { Plan } from '../runtime/plan.ts';
import { Recording } from '../runtime/record.ts';
import type { Scope } from '../runtime/scope.ts';
import { elements, type Tensor } from '../runtime/tensor.ts';
import { total } from '../shaders/matmul/columns/column-sum.ts';
import { gradientRules } from '../shaders/gradients.ts';
import type { ModelInputs } from '../model/model.ts';
import type {
  Adapt,
  TrainableModel,
  TrainingBatch,
  TrainingGraph,
} from '../model/trainable-model.ts';
import type { Objective, RecordedObjective } from './objective.ts';

/** A batch as the caller gave it, and as the model prepared it. */
export interface PreparedInputs {
  readonly inputs: ModelInputs;
  readonly batch: TrainingBatch;
}

export interface GradientPlanOptions {
  /** The list ends with it. */
  readonly scope: Scope;
  readonly objective: Objective;
  /** Where the gradient of each parameter that trains goes; empty to compute the loss alone. */
  readonly gradients: ReadonlyMap<Tensor, Tensor>;
  /** f32 (1): where the sum of the losses goes. */
  readonly loss: Tensor;
  /** u32 (2): seed and step of dropout; none when absent. */
  readonly random?: Tensor | undefined;
  readonly adapt?: (() => Adapt) | undefined;
  /** Whether layers are computed once more on the way back; off when absent. */
  readonly checkpointLayers?: boolean;
}

export class GradientPlan {
  readonly #plan: Plan;
  readonly #graph: TrainingGraph;
  readonly #objective: RecordedObjective;
  readonly #scale: Tensor;
  /** What the balance of experts counts. */
  readonly #share: Tensor | undefined;

  private constructor(
    plan: Plan,
    graph: TrainingGraph,
    objective: RecordedObjective,
    { scale, share }: { readonly scale: Tensor; readonly share: Tensor | undefined },
  ) {
    this.#plan = plan;
    this.#graph = graph;
    this.#objective = objective;
    this.#scale = scale;
    this.#share = share;
  }

  static async create(
    model: TrainableModel,
    { batch, inputs }: PreparedInputs,
    options: GradientPlanOptions,
  ): Promise<GradientPlan> {
    const { scope, objective, gradients: places, random, adapt } = options;
    const { checkpointLayers: recompute = false } = options;
    const training = places.size > 0;
    const recording = new Recording(scope, { training, recompute, ...(random && { random }) });
    try {
      const graph = model.record(recording, batch, adapt?.());
      const recorded = objective.record(recording, graph, {
        model,
        isAdapted: adapt !== undefined,
        inputs,
        padToMultipleOf: batch.padToMultipleOf,
      });
      const { losses } = recorded;
      const sum = total(losses, 'sum of losses');
      recording.place(sum, options.loss);
      const scale = recording.persistent('loss scale', [elements(losses.shape)]);
      const { balance } = graph;
      const share = balance && recording.persistent('share of the balance', [1]);
      if (training) {
        const seeds = new Map([[losses, scale]]);
        if (balance && share) seeds.set(balance, share);
        const found = gradients(recording, seeds, [...places.keys()], gradientRules);
        for (const [parameter, gradient] of found) {
          const place = places.get(parameter);
          if (place !== undefined) recording.place(gradient, place);
        }
      }
      const plan = await Plan.create(recording, balance ? [sum, balance] : [sum]);
      return new GradientPlan(plan, graph, recorded, { scale, share });
    } catch (error) {
      recording.dispose();
      throw error;
    }
  }

  /**
   * Computes the gradients of Σ loss / labels, where `labels` may count those of other batches too. What comes to
   * the mean of this batch's losses counts by its part of them. Resolves with the sum of the losses.
   */
  async play({ batch, inputs }: PreparedInputs, labels: number): Promise<number> {
    const plan = this.#plan;
    this.#graph.write(plan, batch);
    this.#objective.write?.(plan, inputs);
    plan.write(this.#scale, new Float32Array(this.#scale.size(0)).fill(1 / labels));
    if (this.#share) plan.write(this.#share, Float32Array.of(batch.labels / labels));
    const [sum = 0, balance = 0] = (await plan.play()).map((bytes) => new Float32Array(bytes)[0]);
    return sum + balance * batch.labels;
  }

  dispose(): void {
    this.#plan.dispose();
  }
}
