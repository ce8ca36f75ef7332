// A loaded encoder–decoder model over token ids: whole sequences (forward) and generation.

import { refuseUnknown, throwIfAborted, TransformerError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { sameBatch } from './inputs/encoder-decoder-inputs.ts';
import type { ForwardPlan } from './forward-plan.ts';
import type { Generation } from './generation/generation.ts';
import type { GenerateOptions } from './generation/options.ts';
import { type Prompt, promptsOf, startTokens } from './generation/prompt.ts';
import { generationSettings } from './generation/settings.ts';
import { bucket, maskBatch, type TokenBatch, tokenBatch } from './inputs/inputs.ts';
import type { JsonObject } from '../source/json.ts';
import type { EncoderDecoderDefinition } from './definitions.ts';
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
import { checkSequencePair, type PairBatch } from './pair-inputs.ts';
import type { PairPlanShape } from './pair-plan.ts';
import { PlanCache } from './plan-cache.ts';
import { trainableMakers, type TrainableModel } from './trainable-model.ts';

/** The lists of `forward` that are kept. */
const forwardPlans = 8;
export class EncoderDecoderModel implements Model {
  readonly gpu: Gpu;
  readonly config: JsonObject;
  readonly maxPositions: number;
  readonly #parts: LoadedParts;
  /** The settings of generation. */
  readonly #settings: JsonObject;
  readonly #model: EncoderDecoderDefinition;
  readonly #forwards = new PlanCache<ForwardPlan<PairBatch>>(forwardPlans);
  readonly #generation: Lazy<Generation>;

  constructor(parts: LoadedParts, model: EncoderDecoderDefinition) {
    this.gpu = parts.gpu;
    this.config = parts.config;
    this.maxPositions = model.shape.maxPositions;
    this.#parts = parts;
    this.#settings = generationSettings(parts, model.shape.targetVocabulary);
    this.#model = model;
    this.#generation = new Lazy(async () => {
      const { generationOf } = await import('./generation/generation.ts');
      const { targetVocabulary: vocabulary, maxPositions } = model.shape;
      const forward = this.forward.bind(this);
      const about = { generation: this.#settings, vocabulary, maxPositions, forward };
      return generationOf(parts, { weights: model.weights }, about);
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
    const { targetVocabulary, maxPositions } = this.#model.shape;
    const tokens = checkSequencePair(inputs, this.#model, () =>
      startTokens({}, this.#settings, targetVocabulary),
    );
    throwIfAborted(options.signal);
    const shape: PairPlanShape = {
      batch: tokens.source.batch,
      sourceLength: bucket(tokens.source.length, maxPositions),
      targetLength: bucket(tokens.target.length, maxPositions),
      hiddenStates: options.hiddenStates ?? false,
      attentions: options.attentions ?? false,
      labelled: tokens.labels?.classes !== undefined,
    };
    const record = async (): Promise<ForwardPlan<PairBatch>> => {
      const { pairPlan } = await import('./pair-plan.ts');
      this.#forwards.assertUsable();
      assertCurrent(this.#parts);
      return pairPlan(this.#parts.scope, this.#model, shape);
    };
    return this.#forwards.share(JSON.stringify(shape), record, (plan) =>
      plan.play(tokens, options.signal),
    );
  }

  async generate(
    inputs: ModelInputs,
    options: GenerateOptions & GenerateOutputOptions = {},
  ): Promise<GenerateResult> {
    const prompt = this.#prompt(inputs, options);
    return (await this.#generation.get()).generate(prompt, options);
  }

  async generateTogether(calls: readonly GenerateCall[]): Promise<GenerateResult[]> {
    const prompts = promptsOf(calls, (inputs, options) => this.#prompt(inputs, options));
    return (await this.#generation.get()).generateTogether(prompts);
  }

  async *stream(
    inputs: ModelInputs,
    options: GenerateOptions = {},
  ): AsyncGenerator<{ tokenIds: number[] }, void, undefined> {
    const prompt = this.#prompt(inputs, options);
    yield* (await this.#generation.get()).stream(prompt, options);
  }

  trainable(): TrainableModel {
    this.#forwards.assertUsable();
    return trainableMakers().encoderDecoder(this.#parts, this.#model);
  }

  dispose(): void {
    this.#forwards.dispose();
    this.#generation.dispose();
    this.#parts.scope.dispose();
    this.#parts.onDispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** What a generation starts from: the source, and the target's first tokens. */
  #prompt(inputs: ModelInputs, options: GenerateOptions): Prompt {
    if (this.#model.head.output === undefined) {
      throw new TransformerError(
        'MODEL_UNSUPPORTED',
        'This model classifies; it does not generate. Use forward.',
      );
    }
    const { takes } = this.#model.source;
    refuseInputs(inputs, [...takes, 'decoderInputIds'], 'Generation');
    const source = this.#model.source.check(inputs);
    const tokens = this.#targets(inputs, options, source.batch);
    sameBatch(source.batch, tokens.batch, ['inputIds', 'decoderInputIds']);
    const mask = maskBatch('prompt', undefined, tokens, 'itself');
    const { ids, mask: seen } = source;
    if (ids === undefined) throw new RangeError('a source without tokens');
    return { tokens, mask, source: { ids, mask: seen } };
  }

  /**
   * What each target starts with: the start token, and the caller's decoder tokens behind it. As in
   * Hugging Face, the start token is put in front only when no sequence begins with it.
   */
  #targets({ decoderInputIds }: ModelInputs, options: GenerateOptions, batch: number): TokenBatch {
    const { targetVocabulary } = this.#model.shape;
    const { startToken } = startTokens(options, this.#settings, targetVocabulary);
    if (decoderInputIds === undefined) {
      return { batch, length: 1, rows: Array.from({ length: batch }, () => [startToken]) };
    }
    const given = tokenBatch('decoderInputIds', decoderInputIds, 0, targetVocabulary);
    if (given.rows.some(([first]) => first === startToken)) return given;
    const rows = given.rows.map((row) => [startToken, ...row]);
    return { batch: given.batch, length: given.length + 1, rows };
  }
}
