// A loaded encoder–decoder model over token ids: whole sequences (forward) and generation.

import { refuseUnknown, throwIfAborted } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { EncoderDecoderHead } from './encoder-decoder-head.ts';
import { EncoderDecoderSession } from './encoder-decoder-session.ts';
import { forwardTokens, sameBatch, sourceTokens } from './encoder-decoder-inputs.ts';
import { ForwardPlan, type ForwardShape } from './forward-plan.ts';
import {
  type GenerateOptions,
  type GenerationSettings,
  generationSettings,
  startTokens,
} from './generation-config.ts';
import { greedySearch } from './greedy-search.ts';
import { GreedySession } from './greedy-session.ts';
import { bucket, maskBatch, type TokenBatch, tokenBatch } from './inputs.ts';
import type { JsonObject } from './json.ts';
import type { EncoderDecoderDefinition } from './definitions.ts';
import {
  assertCurrent,
  type ForwardOptions,
  type GenerateResult,
  type LoadedParts,
  type Model,
  type ModelInputs,
  type ModelOutput,
  refuseInputs,
} from './model.ts';
import { PlanCache } from './plan-cache.ts';
import type { TrainingHead } from './training-head.ts';

/** The lists of `forward` that are kept. */
const forwardPlans = 8;
/** The lists of generation that are kept; each holds caches. */
const idleSessions = 4;

/** A generation, checked. */
interface GenerationRequest {
  readonly source: TokenBatch;
  readonly sourceMask: TokenBatch;
  readonly prompt: TokenBatch;
  readonly settings: GenerationSettings;
  readonly signal: AbortSignal | undefined;
}

export class EncoderDecoderModel implements Model {
  readonly gpu: Gpu;
  readonly config: JsonObject;
  readonly #parts: LoadedParts;
  readonly #model: EncoderDecoderDefinition;
  readonly #forwards = new PlanCache<ForwardPlan>(forwardPlans);
  readonly #sessions = new PlanCache<GreedySession>(idleSessions);

  constructor(parts: LoadedParts, model: EncoderDecoderDefinition) {
    this.gpu = parts.gpu;
    this.config = parts.config;
    this.#parts = parts;
    this.#model = model;
  }

  async forward(inputs: ModelInputs, options: ForwardOptions = {}): Promise<ModelOutput> {
    refuseUnknown(options, ['hiddenStates', 'attentions', 'signal'], 'option of forward');
    const tokens = forwardTokens(inputs, this.#model.shape, this.#parts.generation);
    const { source, target, labels } = tokens;
    const { maxPositions } = this.#model.shape;
    throwIfAborted(options.signal);
    const shape: ForwardShape = {
      batch: source.batch,
      sourceLength: bucket(source.length, maxPositions),
      targetLength: bucket(target.length, maxPositions),
      hiddenStates: options.hiddenStates ?? false,
      attentions: options.attentions ?? false,
      loss: labels !== undefined,
    };
    const record = (): Promise<ForwardPlan> => {
      assertCurrent(this.#parts);
      return ForwardPlan.create(this.gpu, this.#model.weights, shape);
    };
    return this.#forwards.share(JSON.stringify(shape), record, (plan) =>
      plan.play(tokens, options.signal),
    );
  }

  async generate(inputs: ModelInputs, options: GenerateOptions = {}): Promise<GenerateResult> {
    const request = this.#request(inputs, options);
    const sequences = request.prompt.rows.map((row) => [...row]);
    for await (const { tokenIds } of this.#decode(request)) {
      sequences.forEach((sequence, row) => sequence.push(tokenIds[row] ?? 0));
    }
    return { sequences };
  }

  async *stream(
    inputs: ModelInputs,
    options: GenerateOptions = {},
  ): AsyncGenerator<{ tokenIds: number[] }, void, undefined> {
    yield* this.#decode(this.#request(inputs, options));
  }

  trainingHead(): TrainingHead {
    this.#forwards.assertUsable();
    return new EncoderDecoderHead(this.#parts, this.#model);
  }

  dispose(): void {
    this.#forwards.dispose();
    this.#sessions.dispose();
    this.#parts.scope.dispose();
    this.#parts.onDispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Checks what a generation is asked for. */
  #request(inputs: ModelInputs, options: GenerateOptions): GenerationRequest {
    refuseInputs(inputs, ['inputIds', 'attentionMask', 'decoderInputIds'], 'Generation');
    const { source, sourceMask } = sourceTokens(inputs, this.#model.shape);
    const prompt = this.#prompt(inputs, source.batch);
    sameBatch(source, prompt);
    const settings = this.#settings(options, prompt.length);
    throwIfAborted(options.signal);
    return { source, sourceMask, prompt, settings, signal: options.signal };
  }

  /** Generates in a session of its own, which goes back for reuse at the end. */
  async *#decode({
    source,
    sourceMask,
    prompt,
    settings,
    signal,
  }: GenerationRequest): AsyncGenerator<{ tokenIds: number[] }, void, undefined> {
    const sourceLength = bucket(source.length, this.#model.shape.maxPositions);
    const capacity = bucket(settings.maxLength);
    const key = [source.batch, sourceLength, capacity].join();
    const { item: session, release } = await this.#sessions.take(key, () => {
      assertCurrent(this.#parts);
      const shape = { rows: source.batch, batch: source.batch, sourceLength, capacity };
      const opening = EncoderDecoderSession.create(this.gpu, this.#model.weights, shape);
      return GreedySession.create(this.gpu, opening);
    });
    try {
      const mask = maskBatch('prompt', undefined, prompt, 'itself');
      session.start({ source: { ids: source, mask: sourceMask }, tokens: prompt, mask }, settings);
      yield* greedySearch(session, prompt.rows, settings, this.gpu.tier, signal);
    } catch (error) {
      this.#sessions.assertUsable();
      throw error;
    } finally {
      release();
    }
  }

  /**
   * What each sequence starts with: the start token, and the caller's decoder tokens behind it. As in
   * Hugging Face, the start token is put in front only when no sequence begins with it.
   */
  #prompt({ decoderInputIds }: ModelInputs, batch: number): TokenBatch {
    const { targetVocabulary } = this.#model.shape;
    const { startToken } = startTokens(this.#parts.generation, targetVocabulary);
    if (decoderInputIds === undefined) {
      return { batch, length: 1, rows: Array.from({ length: batch }, () => [startToken]) };
    }
    const given = tokenBatch('decoderInputIds', decoderInputIds, 0, targetVocabulary);
    if (given.rows.some(([first]) => first === startToken)) return given;
    const rows = given.rows.map((row) => [startToken, ...row]);
    return { batch: given.batch, length: given.length + 1, rows };
  }

  #settings(options: GenerateOptions, prompt: number) {
    const { targetVocabulary: vocabulary, maxPositions } = this.#model.shape;
    return generationSettings(options, this.#parts.generation, prompt, {
      vocabulary,
      maxPositions,
    });
  }
}
