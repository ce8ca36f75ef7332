// The loss of batches that are not trained on.

import { throwIfAborted, TransformerError } from '../runtime/errors.ts';
import type { ModelInputs } from '../model/model.ts';
import { PlanCache } from '../model/plan-cache.ts';
import type { TrainableModel } from '../model/trainable-model.ts';
import { checkBatches } from './check.ts';
import { GradientPlan } from './gradient-plan.ts';
import { labelCrossEntropy, prepareBatch } from './objective.ts';
import type { CheckedOptions } from './trainer-options.ts';
import type { Evaluation } from './training-step.ts';
import type { UpdateState } from './update-plan.ts';

export class Evaluator {
  readonly #model: TrainableModel;
  readonly #state: Pick<UpdateState, 'scope' | 'evaluationLoss'>;
  readonly #options: Pick<CheckedOptions, 'padToMultipleOf' | 'adapter' | 'objective'>;
  readonly #plans = new PlanCache<GradientPlan>(8);

  constructor(
    model: TrainableModel,
    state: Pick<UpdateState, 'scope' | 'evaluationLoss'>,
    options: Pick<CheckedOptions, 'padToMultipleOf' | 'adapter' | 'objective'>,
  ) {
    this.#model = model;
    this.#state = state;
    this.#options = options;
  }

  async evaluate(
    batches: Iterable<ModelInputs> | AsyncIterable<ModelInputs>,
    signal: AbortSignal | undefined,
  ): Promise<Evaluation> {
    const release = this.#options.adapter?.use(this.#model);
    try {
      return await this.#mean(batches, signal);
    } finally {
      release?.();
    }
  }

  async #mean(
    batches: Iterable<ModelInputs> | AsyncIterable<ModelInputs>,
    signal: AbortSignal | undefined,
  ): Promise<Evaluation> {
    checkBatches(batches);
    throwIfAborted(signal);
    const { padToMultipleOf, adapter, objective: trained } = this.#options;
    const usual = trained.count === undefined ? labelCrossEntropy(0) : trained;
    const objective = trained.evaluation ?? usual;
    let [sum, tokens] = [0, 0];
    for await (const inputs of batches) {
      throwIfAborted(signal);
      const batch = prepareBatch(this.#model, objective, inputs, padToMultipleOf);
      const prepared = { batch, inputs };
      const create = (): Promise<GradientPlan> =>
        GradientPlan.create(this.#model, prepared, {
          scope: this.#state.scope,
          objective,
          gradients: new Map(),
          loss: this.#state.evaluationLoss,
          adapt: adapter?.adapt,
        });
      sum += await this.#plans.share(batch.key, create, (plan) => plan.play(prepared, 1));
      tokens += batch.labels;
    }
    if (tokens === 0) {
      throw new TransformerError('INPUT_INVALID', 'There is no batch to evaluate. Pass some.');
    }
    return { loss: sum / tokens, perplexity: Math.exp(sum / tokens), tokens };
  }

  dispose(): void {
    this.#plans.dispose();
  }
}
