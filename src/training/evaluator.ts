// The loss of batches that are not trained on.

import { throwIfAborted, TransformerError } from '../runtime/errors.ts';
import type { Tensor } from '../runtime/tensor.ts';
import type { ModelInputs } from '../model/model.ts';
import { PlanCache } from '../model/plan-cache.ts';
import type { TrainingHead } from '../model/training-head.ts';
import { GradientPlan } from './gradient-plan.ts';
import { labelCrossEntropy } from './objective.ts';
import type { CheckedOptions } from './trainer-options.ts';
import type { Evaluation } from './training-step.ts';

export class Evaluator {
  readonly #head: TrainingHead;
  readonly #loss: Tensor;
  readonly #options: Pick<CheckedOptions, 'padToMultipleOf' | 'adapter'>;
  readonly #plans = new PlanCache<GradientPlan>(8);

  /** `loss`: f32 (1), where the sum of a batch's losses goes. */
  constructor(
    head: TrainingHead,
    loss: Tensor,
    options: Pick<CheckedOptions, 'padToMultipleOf' | 'adapter'>,
  ) {
    this.#head = head;
    this.#loss = loss;
    this.#options = options;
  }

  async evaluate(
    batches: Iterable<ModelInputs> | AsyncIterable<ModelInputs>,
    signal: AbortSignal | undefined,
  ): Promise<Evaluation> {
    const release = this.#options.adapter?.use(this.#head);
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
    const { padToMultipleOf, adapter } = this.#options;
    let [sum, tokens] = [0, 0];
    for await (const inputs of batches) {
      throwIfAborted(signal);
      const batch = this.#head.prepare(inputs, padToMultipleOf);
      const prepared = { batch, inputs };
      const create = (): Promise<GradientPlan> =>
        GradientPlan.create(this.#head, prepared, {
          objective: labelCrossEntropy(0),
          gradients: new Map(),
          loss: this.#loss,
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
