// What a model does that hears, where a call leaves the first tokens of the text to it.

import { TransformerError } from '../../runtime/errors.ts';
import type { Generation } from '../generation/generation.ts';
import type { EncoderDecoderDefinition } from '../definitions.ts';
import { maskBatch } from '../inputs/inputs.ts';
import type {
  GenerateCallOptions,
  GenerateResult,
  LoadedParts,
  Model,
  ModelInputs,
} from '../model.ts';
import { type Hearing, windowOf } from './hearing.ts';
import { speechTokens } from './speech-options.ts';
import { hear, transcribe } from './transcribe.ts';
import { atTemperature } from './window.ts';

export class Speech {
  readonly #hearing: Hearing;
  readonly #generation: Generation;

  /** Errors: OPTION_INVALID, for files that make no sense. */
  constructor(
    { generation: file, config }: Pick<LoadedParts, 'generation' | 'config'>,
    { shape }: EncoderDecoderDefinition,
    { stage, medianWidth }: Required<EncoderDecoderDefinition>['speech'],
    { forward, generation }: { forward: Model['forward']; generation: Generation },
  ) {
    const { targetVocabulary: vocabulary, maxPositions } = shape;
    const tokens = speechTokens(file, config, vocabulary);
    const sizes = { vocabulary, maxPositions, medianWidth };
    this.#hearing = { ...sizes, stage, tokens, file, forward, generation };
    this.#generation = generation;
  }

  transcribe(inputs: ModelInputs, options: GenerateCallOptions): Promise<GenerateResult> {
    return transcribe(this.#hearing, inputs, options);
  }

  /** The tokens of one window at the first temperature, as they come. */
  async *stream(
    inputs: ModelInputs,
    options: GenerateCallOptions,
  ): AsyncGenerator<{ tokenIds: number[] }, void, undefined> {
    const { features, settings, prompts: rows } = await hear(this.#hearing, inputs, options);
    const { stage, tokens } = this.#hearing;
    const [batch = 0, , total = 0] = features.shape;
    const { frames } = stage.sound;
    if (total > frames) {
      throw new TransformerError(
        'OPTION_INVALID',
        `inputFeatures has ${total} frames; streams are of a window of ${frames} at most. Call generate.`,
      );
    }
    const window = Array.from({ length: batch }, (_, row) => ({ row, first: 0, end: total }));
    const length = rows[0]?.length ?? 0;
    const prompt = { batch, length, rows };
    const source = stage.check({ inputFeatures: windowOf(features, window, frames) });
    const stamps = settings.timestamps
      ? { begin: tokens.firstStamp, initial: tokens.lateStamps }
      : undefined;
    yield* this.#generation.stream(
      { tokens: prompt, mask: maskBatch('prompt', undefined, prompt, 'itself'), source },
      atTemperature(options, settings.temperatures[0] ?? 0),
      { stamps, weighs: false },
    );
  }
}
