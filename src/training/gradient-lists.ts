// The lists that compute a trainer's gradients, one for each shape of batch, and those that sum them.

import type { Plan } from '../runtime/plan.ts';
import type { ModelInputs } from '../model/model.ts';
import { PlanCache } from '../model/plan-cache.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import type { BatchReader } from './batches.ts';
import { GradientPlan, type PreparedInputs } from './gradient-plan.ts';
import { prepareBatch } from './objective.ts';
import type { CheckedOptions } from './trainer-options.ts';
import type { UpdateState } from './update-plan.ts';

const cachedPlans = 12;

/** The gradients of a step on their way through the GPU. */
export interface Ahead {
  readonly batches: readonly ModelInputs[];
  readonly labels: number;
  readonly tokens: number;
  /** The sum of the losses of each batch. */
  readonly sums: readonly Promise<number>[];
}

export class GradientLists {
  readonly #model: TrainableModel;
  readonly #state: UpdateState;
  readonly #options: CheckedOptions;
  readonly #plans = new PlanCache<GradientPlan>(cachedPlans);
  #sums: { readonly first: Plan; readonly next: Plan } | undefined;

  constructor(model: TrainableModel, state: UpdateState, options: CheckedOptions) {
    this.#model = model;
    this.#state = state;
    this.#options = options;
  }

  /** Submits the gradients of a step from this batch on; undefined when there are no more batches. */
  async compute(reader: BatchReader, batch: number): Promise<Ahead | undefined> {
    const { accumulate, objective, padToMultipleOf: multiple } = this.#options;
    const prepared: PreparedInputs[] = [];
    const batches = (): ModelInputs[] => prepared.map(({ inputs }) => inputs);
    try {
      while (prepared.length < accumulate) {
        const inputs = await reader.read(batch + prepared.length);
        if (inputs === undefined) break;
        prepared.push({ inputs, batch: prepareBatch(this.#model, objective, inputs, multiple) });
      }
      if (prepared.length === 0) return undefined;
      const count = (what: 'labels' | 'tokens'): number =>
        prepared.reduce((sum, one) => sum + one.batch[what], 0);
      const labels = count('labels');
      const sums: Promise<number>[] = [];
      for (const [part, inputs] of prepared.entries()) {
        sums.push((await this.#submit(inputs, batch + part, labels)).sum);
        if (accumulate > 1) await this.#add(part === 0);
      }
      return { batches: batches(), labels, tokens: count('tokens'), sums };
    } catch (error) {
      // A batch that is wrong in itself is left out; those before it are there for the next loop.
      reader.unread(batches());
      throw error;
    }
  }

  /** Submits the gradients of one batch, a part of `labels` labels; resolves when that is done. */
  #submit(
    prepared: PreparedInputs,
    number: number,
    labels: number,
  ): Promise<{ sum: Promise<number> }> {
    const { adapter, objective, dropout, seed, checkpointLayers, activations, adversarial } =
      this.#options;
    const state = this.#state;
    const create = (): Promise<GradientPlan> =>
      GradientPlan.create(this.#model, prepared, {
        scope: state.scope,
        objective,
        gradients: state.gradients,
        loss: state.loss,
        random: dropout ? state.random : undefined,
        adapt: adapter?.adapt,
        checkpointLayers,
        activations,
        adversarial,
      });
    return new Promise((resolve, reject) => {
      const play = (plan: GradientPlan): Promise<number> => {
        state.writeRandom(seed, number);
        const sum = plan.play(prepared, labels);
        sum.catch(() => {}); // whoever waits for the step hears of it
        resolve({ sum });
        return sum;
      };
      this.#plans.share(prepared.batch.key, create, play).catch(reject);
    });
  }

  /** Adds the gradients to their sums, or begins with them. */
  async #add(first: boolean): Promise<void> {
    this.#sums ??= {
      first: await this.#state.accumulatePlan(true),
      next: await this.#state.accumulatePlan(false),
    };
    await (first ? this.#sums.first : this.#sums.next).play();
  }

  /** Ends the lists; what is being recorded ends with the state. */
  dispose(): void {
    this.#plans.dispose();
  }
}
