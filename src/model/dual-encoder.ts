// A loaded model of two stacks, one that reads texts and one that sees images.

import { checkFlags, refuseUnknown, throwIfAborted, TransformerError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { show } from '../runtime/print.ts';
import type { JsonObject } from '../source/json.ts';
import type { DualEncoderDefinition } from './definitions.ts';
import { checkDual } from './dual-inputs.ts';
import type { DualBatch, DualShape } from './dual-plan.ts';
import type { ForwardPlan } from './forward-plan.ts';
import type { InputShape } from './inputs/input-stage.ts';
import {
  assertCurrent,
  type ForwardOptions,
  type LoadedParts,
  type Model,
  type ModelInputs,
  type ModelOutput,
} from './model.ts';
import { PlanCache } from './plan-cache.ts';
import { type SequenceBatch, shapeOf } from './sequence-graph.ts';
import { cannotTrain, type TrainableModel } from './trainable-model.ts';

/** The lists of `forward` that are kept. */
const forwardPlans = 8;

export class DualEncoderModel implements Model {
  readonly gpu: Gpu;
  readonly config: JsonObject;
  /** Of texts. */
  readonly maxPositions: number;
  readonly #parts: LoadedParts;
  readonly #definition: DualEncoderDefinition;
  readonly #forwards = new PlanCache<ForwardPlan<DualBatch>>(forwardPlans);

  constructor(parts: LoadedParts, definition: DualEncoderDefinition) {
    this.gpu = parts.gpu;
    this.config = parts.config;
    this.maxPositions = definition.text.maxPositions;
    this.#parts = parts;
    this.#definition = definition;
  }

  get generationConfig(): JsonObject {
    return this.#parts.generation;
  }

  get warnings(): readonly string[] {
    return this.#parts.warnings.texts;
  }

  async forward(inputs: ModelInputs, options: ForwardOptions = {}): Promise<ModelOutput> {
    refuseUnknown(options, ['hiddenStates', 'attentions', 'signal'], 'option of forward');
    checkFlags(options, 'hiddenStates', 'attentions');
    const batch = checkDual(inputs, this.#definition);
    const { hiddenStates = false, attentions = false, signal } = options;
    throwIfAborted(signal);
    const own = (part: SequenceBatch | undefined): InputShape | undefined => part && shapeOf(part);
    const shape: DualShape = {
      text: own(batch.text),
      vision: own(batch.vision),
      hiddenStates,
      attentions,
    };
    const record = async (): Promise<ForwardPlan<DualBatch>> => {
      const { dualPlan } = await import('./dual-plan.ts');
      this.#forwards.assertUsable();
      assertCurrent(this.#parts);
      return dualPlan(this.#parts.scope, this.#definition, shape);
    };
    return this.#forwards.share(JSON.stringify(shape), record, (plan) => plan.play(batch, signal));
  }

  async generate(): Promise<never> {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      `${show(this.config['model_type'])} does not generate. Use forward.`,
    );
  }

  async generateTogether(): Promise<never> {
    return this.generate();
  }

  async *stream(): AsyncGenerator<never> {
    yield await this.generate();
  }

  trainable(): TrainableModel {
    throw cannotTrain('A model of texts and images');
  }

  dispose(): void {
    this.#forwards.dispose();
    this.#parts.scope.dispose();
    this.#parts.onDispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
