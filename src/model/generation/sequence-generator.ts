// Generation with a language model.

import type { DecodePrompt } from './decoding.ts';
import type { SequenceDefinition } from '../definitions.ts';
import { Generation } from './generation.ts';
import type { GenerateOptions } from './generation-options.ts';
import { fedTokens, stepsOf } from './generation-steps.ts';
import type { Generator } from './generator.ts';
import type { LanguageModelWeights } from '../layers/logits.ts';
import {
  assertCurrent,
  type GenerateOutputOptions,
  type GenerateResult,
  type LoadedParts,
  type Model,
} from '../model.ts';
import { SequenceSession, type SequenceSessions } from './sequence-session.ts';

export class SequenceGenerator implements Generator {
  readonly #forward: Model['forward'];
  readonly #generation: Generation;

  constructor(
    parts: LoadedParts,
    model: { definition: SequenceDefinition; weights: LanguageModelWeights },
    forward: Model['forward'],
  ) {
    this.#forward = forward;
    const { vocabulary, maxPositions } = model.definition;
    const sessions: SequenceSessions = new Set();
    this.#generation = new Generation({
      ...parts,
      vocabulary,
      maxPositions,
      createSession: async (shape) => {
        assertCurrent(parts);
        return new SequenceSession(parts.gpu, model, shape, sessions);
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
    const asked = { hiddenStates, attentions, ...(signal && { signal }) };
    const output = await this.#forward(fedTokens(result.sequences, prompt.mask), asked);
    const { length } = prompt.tokens;
    return {
      ...result,
      ...(output.hiddenStates && { hiddenStates: stepsOf(output.hiddenStates, length, 'states') }),
      ...(output.attentions && { attentions: stepsOf(output.attentions, length, 'selfAttention') }),
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
