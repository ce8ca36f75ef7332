// A loaded encoder–decoder model that gives token ids: whole sequences (forward) and generation.

import { fieldsOf, refuseUnknown, throwIfAborted } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { ForwardPlan } from './forward-plan.ts';
import type { CallBatch } from './generation/batch/batch.ts';
import type { BatchOptions } from './generation/batch/batch-options.ts';
import type { Generation } from './generation/generation.ts';
import type { GenerateOptions } from './generation/options.ts';
import { startTokens } from './generation/option-reader.ts';
import { pairPrompt } from './generation/pair-prompt.ts';
import { generationSettings } from './generation/settings.ts';
import { paddedLength } from './inputs/input-stage.ts';
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
} from './model.ts';
import { Lazy } from './lazy.ts';
import { checkSequencePair, checkShown, type PairBatch, pairSizes } from './pair-inputs.ts';
import type { PairPlanShape } from './pair-plan.ts';
import { PlanCache } from './plan-cache.ts';
import { lookInto, pointOptions } from './points/looking.ts';
import { PointList } from './points/point-list.ts';
import type { ModelPoint } from './points/point-options.ts';
import type { Speech } from './speech/speech.ts';
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
  readonly #points: PointList;
  readonly #generation: Lazy<Generation>;
  /** Of a model that hears. */
  readonly #speech: Lazy<Speech> | undefined;

  constructor(parts: LoadedParts, model: EncoderDecoderDefinition) {
    this.gpu = parts.gpu;
    this.config = parts.config;
    this.maxPositions = model.shape.maxPositions;
    this.#parts = parts;
    const { shape, speech, generation, prompted } = model;
    const files = generation ? { ...parts, generation, config: generation } : parts;
    this.#settings = generationSettings(files, shape.targetVocabulary, speech?.fields);
    this.#model = model;
    this.#points = new PointList(parts, this.#forwards, async () => {
      const { pairListing } = await import('./points/pair-points.ts');
      return pairListing(model, this.maxPositions);
    });
    this.#generation = new Lazy(async () => {
      const { generationOf } = await import('./generation/loaded-generation.ts');
      const { targetVocabulary: vocabulary, maxPositions, rotary } = model.shape;
      const forward = this.forward.bind(this);
      const points = this.points.bind(this);
      const read = prompted
        ? (await import('./generation/framed-prompt.ts')).framedPrompt(
            model,
            prompted,
            this.#settings,
          )
        : pairPrompt(model, this.#settings);
      const about = { generation: this.#settings, vocabulary, maxPositions, forward, points, read };
      const { weights, source: stage } = model;
      return generationOf(parts, { weights, stage, rotary }, about);
    });
    this.#speech =
      speech &&
      new Lazy(async () => {
        const { Speech: Hearing } = await import('./speech/speech.ts');
        const about = { settings: this.#settings, forward: this.forward.bind(this) };
        return new Hearing(parts, model, speech, about);
      });
  }

  get generationConfig(): JsonObject {
    return this.#model.generation ?? this.#parts.generation;
  }

  get warnings(): readonly string[] {
    return this.#parts.warnings.texts;
  }

  async forward(inputs: ModelInputs, options: ForwardOptions = {}): Promise<ModelOutput> {
    const known = ['hiddenStates', 'attentions', ...pointOptions, 'signal'];
    refuseUnknown(options, known, 'option of forward');
    checkShown(options);
    const { targetVocabulary, maxPositions } = this.#model.shape;
    const tokens = checkSequencePair(inputs, this.#model, () =>
      startTokens({}, this.#settings, targetVocabulary),
    );
    throwIfAborted(options.signal);
    const look = await lookInto(options, () => this.points(), pairSizes(tokens));
    const shape: PairPlanShape = {
      batch: tokens.source.batch,
      sourceLength: paddedLength(tokens.source, maxPositions, look),
      sourceSize: tokens.source.size,
      targetLength: paddedLength({ length: tokens.target.length }, maxPositions, look),
      hiddenStates: options.hiddenStates ?? false,
      attentions: options.attentions ?? false,
      labelled: tokens.labels?.classes !== undefined,
      points: look?.key,
    };
    const record = async (): Promise<ForwardPlan<PairBatch>> => {
      const { pairPlan } = await import('./pair-plan.ts');
      this.#forwards.assertUsable();
      assertCurrent(this.#parts);
      return pairPlan(this.#parts.scope, this.#model, shape, look);
    };
    return this.#forwards.share(JSON.stringify(shape), record, (plan) =>
      plan.play(tokens, options.signal, look),
    );
  }

  points(): Promise<ModelPoint[]> {
    return this.#points.get();
  }

  async generate(
    inputs: ModelInputs,
    options: GenerateOptions & GenerateOutputOptions = {},
  ): Promise<GenerateResult> {
    const speech = await this.#heard(inputs);
    if (speech !== undefined) return speech.transcribe(inputs, options);
    const generation = await this.#generation.get();
    return generation.generate(generation.read(inputs, options), options);
  }

  async generateTogether(calls: readonly GenerateCall[]): Promise<GenerateResult[]> {
    return (await this.#generation.get()).generateTogether(calls);
  }

  /** Of models that do not hear: those hear and write in windows. */
  async batch(options: BatchOptions): Promise<CallBatch | undefined> {
    return this.#speech ? undefined : (await this.#generation.get()).batch(options);
  }

  async *stream(
    inputs: ModelInputs,
    options: GenerateOptions = {},
  ): AsyncGenerator<{ tokenIds: number[] }, void, undefined> {
    const speech = await this.#heard(inputs);
    if (speech !== undefined) {
      yield* speech.stream(inputs, options);
      return;
    }
    const generation = await this.#generation.get();
    yield* generation.stream(generation.read(inputs, options), options);
  }

  /** The model as one that hears, where a call leaves the first tokens of the text to it. */
  async #heard(inputs: ModelInputs): Promise<Speech | undefined> {
    fieldsOf(inputs, 'The object of inputs');
    return inputs.decoderInputIds === undefined ? this.#speech?.get() : undefined;
  }

  trainable(): TrainableModel {
    this.#forwards.assertUsable();
    return trainableMakers().encoderDecoder(
      this.#parts,
      this.#model,
      (...from) => new EncoderDecoderModel(...from),
    );
  }

  async ready(): Promise<void> {
    this.#forwards.assertUsable();
  }

  dispose(): void {
    this.#forwards.dispose();
    this.#generation.dispose();
    this.#speech?.dispose();
    this.#parts.scope.dispose();
    this.#parts.onDispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
