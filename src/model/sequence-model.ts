// A loaded model of one stack: an encoder with its head, or a language model.

import { refuseUnknown, throwIfAborted, TransformerError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { SequenceDefinition } from './definitions.ts';
import type { ForwardPlan } from './forward-plan.ts';
import type { Generation } from './generation/generation.ts';
import type { GenerateOptions } from './generation/options.ts';
import { hidePadding, type Prompt, promptsOf } from './generation/prompt.ts';
import { bucket, maskBatch, tokenBatch } from './inputs/inputs.ts';
import type { JsonObject } from '../source/json.ts';
import {
  assertCurrent,
  type ForwardOptions,
  type GenerateCall,
  type GenerateOutputOptions,
  type GenerateResult,
  type LoadedParts,
  type Model,
  type ModelInputs,
  type ModelOutput,
  refuseInputs,
} from './model.ts';
import { Lazy } from './lazy.ts';
import { PlanCache } from './plan-cache.ts';
import { checkSequences, type SequenceBatch } from './sequence-graph.ts';
import type { SequenceShape } from './sequence-plan.ts';
import { trainableMakers, type TrainableModel } from './trainable-model.ts';

/** The lists of `forward` that are kept. */
const forwardPlans = 8;

export class SequenceModel implements Model {
  readonly gpu: Gpu;
  readonly config: JsonObject;
  readonly maxPositions: number;
  readonly #parts: LoadedParts;
  readonly #definition: SequenceDefinition;
  readonly #forwards = new PlanCache<ForwardPlan<SequenceBatch>>(forwardPlans);
  /** The settings of generation. */
  readonly #settings: JsonObject;
  /** Of language models. */
  readonly #generation: Lazy<Generation> | undefined;

  /** `settings`: those of generation in the files, of models that generate. */
  constructor(
    parts: LoadedParts,
    definition: SequenceDefinition,
    settings: JsonObject = parts.generation,
  ) {
    this.gpu = parts.gpu;
    this.config = parts.config;
    this.maxPositions = definition.maxPositions;
    this.#parts = parts;
    this.#definition = definition;
    this.#settings = settings;
    const { input, stack, head } = definition;
    if (head?.output === undefined || input.embeddings === undefined) return;
    const weights = { target: input.embeddings, decoder: stack, output: head.output };
    this.#generation = new Lazy(async () => {
      const { generationOf } = await import('./generation/generation.ts');
      const { vocabulary, maxPositions, rotary } = definition;
      const forward = this.forward.bind(this);
      const about = { generation: settings, vocabulary, maxPositions, forward };
      return generationOf(parts, { weights, ...(rotary && { rotary }) }, about);
    });
  }

  get generationConfig(): JsonObject {
    return this.#parts.generation;
  }

  get warnings(): readonly string[] {
    return this.#parts.warnings.texts;
  }

  async forward(inputs: ModelInputs, options: ForwardOptions = {}): Promise<ModelOutput> {
    refuseUnknown(options, ['hiddenStates', 'attentions', 'signal'], 'option of forward');
    const batch = checkSequences(inputs, this.#definition);
    throwIfAborted(options.signal);
    const shape: SequenceShape = {
      batch: batch.input.batch,
      length: bucket(batch.input.length),
      hiddenStates: options.hiddenStates ?? false,
      attentions: options.attentions ?? false,
      labelled: batch.labels?.classes !== undefined,
    };
    const record = async (): Promise<ForwardPlan<SequenceBatch>> => {
      const { sequencePlan } = await import('./sequence-plan.ts');
      this.#forwards.assertUsable();
      assertCurrent(this.#parts);
      return sequencePlan(this.#parts.scope, this.#definition, shape);
    };
    return this.#forwards.share(JSON.stringify(shape), record, (plan) =>
      plan.play(batch, options.signal),
    );
  }

  async generate(
    inputs: ModelInputs,
    options: GenerateOptions & GenerateOutputOptions = {},
  ): Promise<GenerateResult> {
    const prompt = this.#prompt(inputs, options);
    return (await this.#language().get()).generate(prompt, options);
  }

  async generateTogether(calls: readonly GenerateCall[]): Promise<GenerateResult[]> {
    const prompts = promptsOf(calls, (inputs, options) => this.#prompt(inputs, options));
    return (await this.#language().get()).generateTogether(prompts);
  }

  async *stream(
    inputs: ModelInputs,
    options: GenerateOptions = {},
  ): AsyncGenerator<{ tokenIds: number[] }, void, undefined> {
    const prompt = this.#prompt(inputs, options);
    yield* (await this.#language().get()).stream(prompt, options);
  }

  trainable(): TrainableModel {
    this.#forwards.assertUsable();
    return trainableMakers().sequence(this.#parts, this.#definition);
  }

  dispose(): void {
    this.#forwards.dispose();
    this.#generation?.dispose();
    this.#parts.scope.dispose();
    this.#parts.onDispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #language(): Lazy<Generation> {
    if (this.#generation !== undefined) return this.#generation;
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      `${String(this.config['model_type'])} does not generate. Use forward.`,
    );
  }

  /** What a generation starts from: the tokens to go on from, padded on the left. */
  #prompt(given: ModelInputs, options: GenerateOptions): Prompt {
    const inputs = hidePadding(given, options, this.#settings);
    refuseInputs(inputs, ['inputIds', 'attentionMask'], 'Generation');
    const tokens = tokenBatch('inputIds', inputs.inputIds, 0, this.#definition.vocabulary);
    const mask = maskBatch('attentionMask', inputs.attentionMask, tokens, 'inputIds');
    const wrong = mask.rows.findIndex((row) => row.at(-1) === 0);
    if (wrong < 0) return { tokens, mask };
    throw new TransformerError(
      'INPUT_INVALID',
      `attentionMask[${wrong}] ends with padding, where the text is to go on. Pad on the left.`,
    );
  }
}
