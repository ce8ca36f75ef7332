// Generation with an encoder and a decoder.

import type { DecodePrompt } from './decoding.ts';
import type { EncoderDecoderDefinition } from '../definitions.ts';
import { EncoderDecoderSession } from './encoder-decoder-session.ts';
import { Generation } from './generation.ts';
import type { GenerateOptions } from './generation-options.ts';
import { fedTokens, repeatRows, stepsOf } from './generation-steps.ts';
import type { Generator } from './generator.ts';
import {
  assertCurrent,
  type GenerateOutputOptions,
  type GenerateResult,
  type LoadedParts,
  type Model,
} from '../model.ts';

export class EncoderDecoderGenerator implements Generator {
  readonly #forward: Model['forward'];
  readonly #generation: Generation;

  constructor(parts: LoadedParts, model: EncoderDecoderDefinition, forward: Model['forward']) {
    this.#forward = forward;
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

  async generate(
    prompt: DecodePrompt,
    {
      hiddenStates = false,
      attentions = false,
      ...options
    }: GenerateOptions & GenerateOutputOptions,
  ): Promise<GenerateResult> {
    const result = await this.#generation.generate(prompt, options);
    if (!hiddenStates && !attentions) return result;
    const { signal } = options;
    const copies = result.sequences.length / prompt.tokens.batch;
    const source = prompt.source && {
      inputIds: repeatRows(prompt.source.ids.rows, copies),
      attentionMask: repeatRows(prompt.source.mask.rows, copies),
    };
    const output = await this.#forward(
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

  stream(
    prompt: DecodePrompt,
    options: GenerateOptions,
  ): AsyncGenerator<{ tokenIds: number[] }, void, undefined> {
    return this.#generation.stream(prompt, options);
  }

  dispose(): void {
    this.#generation.dispose();
  }
}
