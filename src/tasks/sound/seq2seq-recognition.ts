// Speech recognition by models that write the text of a whole sound, whatever its length, without time stamps. Parts that
// it is cut into are heard one after the other, as Hugging Face's task has it: what they share is written twice.

import { speechOptionNames } from '../../model/speech/speech-options.ts';
import { TransformerError } from '../../runtime/errors.ts';
import { TextStream } from '../../tokenizer/text-stream.ts';
import { usualLength } from '../generation.ts';
import type {
  RecognitionOptions,
  RecognitionParts,
  Recognize,
} from './automatic-speech-recognition.ts';
import { cutsOf } from './speech-cuts.ts';

export function seq2seqRecognition(parts: RecognitionParts): Recognize {
  const { model, tokenizer, featureExtractor } = parts;
  const { samplingRate } = featureExtractor;
  return async (samples, options) => {
    refuseOthers(options);
    const {
      chunkLength,
      stride,
      returnTimestamps: _times,
      returnLanguage: _language,
      onText,
      ...rest
    } = options;
    const sizes = { samplingRate, windowLength: Infinity, step: 1 };
    const live = onText && isLive(parts, rest) ? new LiveTokens(parts, onText) : undefined;
    const tokens: number[] = [];
    for (const { first, end } of cutsOf(samples.length, { chunkLength, stride }, sizes)) {
      const { inputValues, attentionMask } = await featureExtractor.features(
        model.gpu,
        samples.subarray(first, end),
        { returnAttentionMask: true, ...(rest.signal && { signal: rest.signal }) },
      );
      if (inputValues === undefined || attentionMask === undefined) {
        throw new TransformerError(
          'MODEL_UNSUPPORTED',
          'preprocessor_config.json makes spectrograms, but this model takes samples. Take the file of the model.',
        );
      }
      const { stoppingCriteria } = rest;
      const { sequences } = await model.generate(
        { inputValues, attentionMask },
        {
          ...usualLength(parts, rest, 1),
          ...rest,
          ...(live && {
            stoppingCriteria: (all) => {
              live.take(all[0] ?? []);
              return stoppingCriteria?.(all) ?? all.map(() => false);
            },
          }),
        },
      );
      const own = sequences[0] ?? [];
      live?.take(own);
      live?.endPart();
      tokens.push(...own);
    }
    const text = tokenizer.decode(tokens);
    if (live) live.end();
    else onText?.(text);
    return { text };
  };
}

/** Tells the text of sequences that grow, one part of a sound after the other. */
class LiveTokens {
  readonly #pieces: TextStream;
  readonly #tell: (piece: string) => void;
  #length = 0;

  constructor({ tokenizer }: RecognitionParts, tell: (piece: string) => void) {
    this.#pieces = new TextStream(tokenizer);
    this.#tell = tell;
  }

  take(sequence: readonly number[]): void {
    for (const token of sequence.slice(this.#length)) this.#told(this.#pieces.push(token));
    this.#length = sequence.length;
  }

  endPart(): void {
    this.#length = 0;
  }

  end(): void {
    this.#told(this.#pieces.end());
  }

  #told(piece: string): void {
    if (piece !== '') this.#tell(piece);
  }
}

/** Whether tokens are final as they come: no beams are compared. */
function isLive(
  { model: { generationConfig = {} } }: RecognitionParts,
  { numBeams }: RecognitionOptions,
): boolean {
  return Number(numBeams ?? generationConfig['num_beams'] ?? 1) === 1;
}

/** Refuses what Whisper alone can do. */
function refuseOthers({ returnTimestamps, returnLanguage, ...options }: RecognitionOptions): void {
  const given: Readonly<Record<string, unknown>> = {
    ...options,
    // False asks for nothing.
    returnTimestamps: returnTimestamps || undefined,
    returnLanguage: returnLanguage || undefined,
  };
  const name = ['returnLanguage', ...speechOptionNames].find(
    (own) => (given[own] ?? undefined) !== undefined,
  );
  if (name === undefined) return;
  throw new TransformerError(
    'OPTION_INVALID',
    `${name} is for Whisper; this model writes the text alone. Leave it out.`,
  );
}
