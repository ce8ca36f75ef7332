// A loaded nn.Transformer: forward passes over batches of vectors.

import { checkFlags, refuseUnknown, throwIfAborted, TransformerError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { JsonObject } from '../source/json.ts';
import type { PairDefinition } from './definitions.ts';
import type { TorchTransformer } from './families/torch-transformer.ts';
import type { ForwardPlan } from './forward-plan.ts';
import { VectorInput } from './inputs/vector-inputs.ts';
import {
  assertCurrent,
  type ForwardOptions,
  type LoadedParts,
  type Model,
  type ModelInputs,
  type ModelOutput,
  refuseInputs,
} from './model.ts';
import { checkTarget, type PairBatch } from './pair-inputs.ts';
import { pairPlan, type PairPlanShape } from './pair-plan.ts';
import { PlanCache } from './plan-cache.ts';
import { cannotTrain, type TrainableModel } from './trainable-model.ts';

/** Options of a PyTorch Transformer's `forward`. */
export interface TorchForwardOptions extends ForwardOptions {
  /** Whether targets see only what stands before them (PyTorch's causal `tgt_mask`); true by default. */
  causal?: boolean;
}

/** A loaded nn.Transformer. Its hidden states are the layers' own outputs, before the last norm. */
export class TorchTransformerModel implements Model {
  readonly gpu: Gpu;
  readonly config: JsonObject;
  readonly maxPositions: number = Infinity;
  readonly #parts: LoadedParts;
  readonly #model: PairDefinition;
  readonly #plans = new PlanCache<ForwardPlan<PairBatch>>(8);

  constructor(parts: LoadedParts, { dModel, ...weights }: TorchTransformer) {
    this.gpu = parts.gpu;
    this.config = parts.config;
    this.#parts = parts;
    const [source, target] = [new VectorInput('source', dModel), new VectorInput('target', dModel)];
    this.#model = { source, target, weights };
  }

  get generationConfig(): JsonObject {
    return this.#parts.generation;
  }

  get warnings(): readonly string[] {
    return this.#parts.warnings.texts;
  }

  /** inputsEmbeds: (B, S, d_model), decoderInputsEmbeds: (B, T, d_model), with their masks. */
  async forward(inputs: ModelInputs, options: TorchForwardOptions = {}): Promise<ModelOutput> {
    refuseUnknown(options, ['hiddenStates', 'attentions', 'signal', 'causal'], 'option of forward');
    checkFlags(options, 'hiddenStates', 'attentions', 'causal');
    const model = this.#model;
    refuseInputs(inputs, [...model.source.takes, ...model.target.takes], 'nn.Transformer');
    const batch = checkTarget(inputs, model, model.source.check(inputs));
    const { hiddenStates = false, attentions = false, causal = true, signal } = options;
    throwIfAborted(signal);
    const { source, target } = batch;
    const shape: PairPlanShape = {
      batch: source.batch,
      sourceLength: source.length,
      targetLength: target.length,
      hiddenStates,
      attentions,
      labelled: false,
      causal,
    };
    const record = async (): Promise<ForwardPlan<PairBatch>> => {
      assertCurrent(this.#parts);
      return pairPlan(this.#parts.scope, model, shape);
    };
    return this.#plans.share(JSON.stringify(shape), record, (plan) => plan.play(batch, signal));
  }

  async generate(): Promise<never> {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      'nn.Transformer has no vocabulary, so it cannot generate. Use forward, or a Marian checkpoint.',
    );
  }

  async generateTogether(): Promise<never> {
    return this.generate();
  }

  async *stream(): AsyncGenerator<never> {
    yield await this.generate();
  }

  trainable(): TrainableModel {
    throw cannotTrain('nn.Transformer');
  }

  dispose(): void {
    this.#plans.dispose();
    this.#parts.scope.dispose();
    this.#parts.onDispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
