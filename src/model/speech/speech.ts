// What a model does that hears, where a call leaves the first tokens of the text to it.

import { TransformerError } from '../../runtime/errors.ts';
import { maskBatch } from '../inputs/inputs.ts';
import type { GenerateCallOptions, GenerateResult, ModelInputs } from '../model.ts';
import { SpeechModel } from './speech-model.ts';
import { hear, transcribe } from './transcribe.ts';
import { atTemperature } from './window.ts';

export class Speech {
  readonly #model: SpeechModel;

  /** Errors: OPTION_INVALID, for files that make no sense. */
  constructor(...model: ConstructorParameters<typeof SpeechModel>) {
    this.#model = new SpeechModel(...model);
  }

  transcribe(inputs: ModelInputs, options: GenerateCallOptions): Promise<GenerateResult> {
    return transcribe(this.#model, inputs, options);
  }

  /** The tokens of one window at the first temperature, as they come. */
  async *stream(
    inputs: ModelInputs,
    options: GenerateCallOptions,
  ): AsyncGenerator<{ tokenIds: number[] }, void, undefined> {
    const model = this.#model;
    const { features, windows, settings, prompts: rows } = await hear(model, inputs, options);
    const { frames, tokens } = model;
    const [batch = 0, , total = 0] = features.shape;
    if (total > frames) {
      throw new TransformerError(
        'OPTION_INVALID',
        `inputFeatures has ${total} frames; streams are of a window of ${frames} at most. Call generate.`,
      );
    }
    const length = rows[0]?.length ?? 0;
    const prompt = { batch, length, rows };
    const all = rows.map((_, row) => ({ row, first: 0, end: total }));
    const source = model.sourceOf(await windows.states(all));
    const stamps = settings.timestamps
      ? { begin: tokens.firstStamp, initial: tokens.lateStamps }
      : undefined;
    yield* model.generation.stream(
      { tokens: prompt, mask: maskBatch('prompt', undefined, prompt, 'itself'), source },
      atTemperature(options, settings.temperatures[0] ?? 0),
      { stamps, weighs: false },
    );
  }

  dispose(): void {
    this.#model.dispose();
  }
}
