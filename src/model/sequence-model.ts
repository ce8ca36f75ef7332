// A loaded model of one stack: an encoder with its head, or a language model.

import { checkFlags, refuseUnknown, throwIfAborted, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import type { Gpu } from '../runtime/gpu.ts';
import type { SequenceDefinition } from './definitions.ts';
import type { ForwardPlan } from './forward-plan.ts';
import type { CallBatch } from './generation/batch/batch.ts';
import type { BatchOptions } from './generation/batch/batch-options.ts';
import type { Generation } from './generation/generation.ts';
import type { GenerateOptions } from './generation/options.ts';
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
} from './model.ts';
import { Lazy } from './lazy.ts';
import { PlanCache } from './plan-cache.ts';
import { lookInto, pointOptions } from './points/looking.ts';
import { PointList } from './points/point-list.ts';
import type { ModelPoint } from './points/point-options.ts';
import { checkSequences, type SequenceBatch, sequenceSizes, shapeOf } from './sequence-graph.ts';
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
  readonly #settings: JsonObject;
  readonly #forwards = new PlanCache<ForwardPlan<SequenceBatch>>(forwardPlans);
  readonly #points: PointList;
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
    this.#points = new PointList(parts, this.#forwards, async () => {
      const { sequenceListing } = await import('./points/sequence-points.ts');
      return sequenceListing(definition);
    });
    const { input, stack, head } = definition;
    if (head?.output === undefined || input.embeddings === undefined) return;
    const { output, before } = head;
    const weights = { target: input.embeddings, decoder: stack, output, before };
    this.#generation = new Lazy(async () => {
      const { generationOf, languagePrompt } = await import('./generation/loaded-generation.ts');
      const { maxPositions, rotary } = definition;
      const vocabulary = output.weight.size(0);
      const forward = this.forward.bind(this);
      const points = this.points.bind(this);
      const read = languagePrompt(definition, settings);
      const about = { generation: settings, vocabulary, maxPositions, forward, points, read };
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
    const known = ['hiddenStates', 'attentions', 'logitsToKeep', ...pointOptions, 'signal'];
    refuseUnknown(options, known, 'option of forward');
    checkFlags(options, 'hiddenStates', 'attentions');
    const { logitsToKeep: kept } = options;
    const batch = checkSequences(inputs, this.#definition, kept);
    throwIfAborted(options.signal);
    const sizesOf = sequenceSizes(batch);
    const look = await lookInto(options, () => this.points(), sizesOf);
    const shape: SequenceShape = {
      ...shapeOf(batch, look),
      hiddenStates: options.hiddenStates ?? false,
      attentions: options.attentions === true,
      labelled: batch.labels?.classes !== undefined,
      room: batch.labels?.sequences?.room,
      kept,
      points: look?.key,
    };
    const record = async (): Promise<ForwardPlan<SequenceBatch>> => {
      const { sequencePlan } = await import('./sequence-plan.ts');
      this.#forwards.assertUsable();
      assertCurrent(this.#parts);
      return sequencePlan(this.#parts.scope, this.#definition, shape, look);
    };
    return this.#forwards.share(JSON.stringify(shape), record, (plan) =>
      plan.play(batch, options.signal, look),
    );
  }

  points(): Promise<ModelPoint[]> {
    return this.#points.get();
  }

  async generate(
    inputs: ModelInputs,
    options: GenerateOptions & GenerateOutputOptions = {},
  ): Promise<GenerateResult> {
    const generation = await this.#language().get();
    return generation.generate(generation.read(inputs, options), options);
  }

  async generateTogether(calls: readonly GenerateCall[]): Promise<GenerateResult[]> {
    return (await this.#language().get()).generateTogether(calls);
  }

  async batch(options: BatchOptions): Promise<CallBatch | undefined> {
    return (await this.#language().get()).batch(options);
  }

  async *stream(
    inputs: ModelInputs,
    options: GenerateOptions = {},
  ): AsyncGenerator<{ tokenIds: number[] }, void, undefined> {
    const generation = await this.#language().get();
    yield* generation.stream(generation.read(inputs, options), options);
  }

  trainable(): TrainableModel {
    this.#forwards.assertUsable();
    return trainableMakers().sequence(
      this.#parts,
      this.#definition,
      (...from) => new SequenceModel(...from, this.#settings),
    );
  }

  async ready(): Promise<void> {
    this.#forwards.assertUsable();
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
      `${show(this.config['model_type'])} does not generate. Use forward.`,
    );
  }
}
