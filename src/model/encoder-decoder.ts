// A loaded encoder–decoder model over token ids: whole sequences (forward) and generation.

import { refuseUnknown, throwIfAborted } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { EncoderDecoderSession } from './encoder-decoder-session.ts';
import { forwardTokens, sameBatch, sourceTokens } from './encoder-decoder-inputs.ts';
import { ForwardPlan, type ForwardShape } from './forward-plan.ts';
import type { DecodePrompt } from './decoding.ts';
import { Generation } from './generation.ts';
import { fedTokens, repeatRows, stepsOf } from './generation-steps.ts';
import type { GenerateOptions } from './generation-options.ts';
import { startTokens } from './generation-values.ts';
import { bucket, maskBatch, type TokenBatch, tokenBatch } from './inputs.ts';
import type { JsonObject } from './json.ts';
import type { EncoderDecoderDefinition } from './definitions.ts';
import {
  assertCurrent,
  type ForwardOptions,
  type GenerateOutputOptions,
  type GenerateResult,
  type LoadedParts,
  type Model,
  type ModelInputs,
  type ModelOutput,
  refuseInputs,
} from './model.ts';
import { PlanCache } from './plan-cache.ts';
import { headMakers, type TrainingHead } from './training-head.ts';

/** The lists of `forward` that are kept. */
const forwardPlans = 8;
export class EncoderDecoderModel implements Model {
  readonly gpu: Gpu;
  readonly config: JsonObject;
  readonly maxPositions: number;
  readonly #parts: LoadedParts;
  readonly #model: EncoderDecoderDefinition;
  readonly #forwards = new PlanCache<ForwardPlan>(forwardPlans);
  readonly #generation: Generation;

  constructor(parts: LoadedParts, model: EncoderDecoderDefinition) {
    this.gpu = parts.gpu;
    this.config = parts.config;
    this.maxPositions = model.shape.maxPositions;
    this.#parts = parts;
    this.#model = model;
    const { targetVocabulary: vocabulary, maxPositions } = model.shape;
    this.#generation = new Generation({
      ...parts,
      vocabulary,
      maxPositions,
      createSession: (shape) => {
        assertCurrent(parts);
        const sourceLength = Math.min(shape.sourceLength, maxPositions);
        return EncoderDecoderSession.create(parts.gpu, model.weights, { ...shape, sourceLength });
      },
    });
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

  async generate(
    inputs: ModelInputs,
    {
      hiddenStates = false,
      attentions = false,
      ...options
    }: GenerateOptions & GenerateOutputOptions = {},
  ): Promise<GenerateResult> {
    const prompt = this.#prompt(inputs, options);
    const result = await this.#generation.generate(prompt, options);
    if (!hiddenStates && !attentions) return result;
    const { signal } = options;
    const copies = result.sequences.length / prompt.tokens.batch;
    const source = prompt.source && {
      inputIds: repeatRows(prompt.source.ids.rows, copies),
      attentionMask: repeatRows(prompt.source.mask.rows, copies),
    };
    const output = await this.forward(
      { ...source, decoderInputIds: fedTokens(result.sequences, prompt.mask).inputIds },
      { hiddenStates, attentions, ...(signal && { signal }) },
    );
    const { length } = prompt.tokens;
    const { encoderHiddenStates, encoderAttentions, decoderHiddenStates } = output;
    const { decoderAttentions, crossAttentions } = output;
    return {
      ...result,
      ...(encoderHiddenStates && { encoderHiddenStates }),
      ...(encoderAttentions && { encoderAttentions }),
      ...(decoderHiddenStates && {
        decoderHiddenStates: stepsOf(decoderHiddenStates, length, 'states'),
      }),
      ...(decoderAttentions && {
        decoderAttentions: stepsOf(decoderAttentions, length, 'selfAttention'),
      }),
      ...(crossAttentions && {
        crossAttentions: stepsOf(crossAttentions, length, 'crossAttention'),
      }),
    };
  }

  async *stream(
    inputs: ModelInputs,
    options: GenerateOptions = {},
  ): AsyncGenerator<{ tokenIds: number[] }, void, undefined> {
    yield* this.#generation.stream(this.#prompt(inputs, options), options);
  }

  trainingHead(): TrainingHead {
    this.#forwards.assertUsable();
    return headMakers().encoderDecoder(this.#parts, this.#model);
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
  #prompt(inputs: ModelInputs, options: GenerateOptions): DecodePrompt {
    refuseInputs(inputs, ['inputIds', 'attentionMask', 'decoderInputIds'], 'Generation');
    const { source, sourceMask } = sourceTokens(inputs, this.#model.shape);
    const tokens = this.#targets(inputs, options, source.batch);
    sameBatch(source, tokens);
    const mask = maskBatch('prompt', undefined, tokens, 'itself');
    return { tokens, mask, source: { ids: source, mask: sourceMask } };
  }

  /**
   * What each target starts with: the start token, and the caller's decoder tokens behind it. As in
   * Hugging Face, the start token is put in front only when no sequence begins with it.
   */
  #targets({ decoderInputIds }: ModelInputs, options: GenerateOptions, batch: number): TokenBatch {
    const { targetVocabulary } = this.#model.shape;
    const { startToken } = startTokens(options, this.#parts.generation, targetVocabulary);
    if (decoderInputIds === undefined) {
      return { batch, length: 1, rows: Array.from({ length: batch }, () => [startToken]) };
    }
    const given = tokenBatch('decoderInputIds', decoderInputIds, 0, targetVocabulary);
    if (given.rows.some(([first]) => first === startToken)) return given;
    const rows = given.rows.map((row) => [startToken, ...row]);
    return { batch: given.batch, length: given.length + 1, rows };
  }
}
