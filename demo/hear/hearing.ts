// One sound that is heard, from its first piece to its last word.

import { type SampledSound, TransformerError } from 'webgpu-transformer';
import { Listener, type Passage } from './listener.ts';
import type { Wave } from './picture.ts';
import type { Choices, Recognizer } from './recognizer.ts';

/** Sound as it comes. */
export interface Piece extends SampledSound {
  /** Whether it is known that no more comes. */
  readonly isLast?: boolean;
}

export interface Receiver {
  /** The sound that is not done, each time there is more. */
  readonly onWave: (wave: Wave) => void;
  readonly onText: (certain: string, tentative: string) => void;
  readonly onPassage: (passage: Passage) => void;
  /** Milliseconds that a hearing took, and the seconds of its sound. */
  readonly onTimes: (times: { readonly time: number; readonly seconds: number }) => void;
}

export class Hearing {
  readonly #sound = new AbortController();
  readonly #work = new AbortController();
  #hasEnded = false;

  /** Aborts when no more sound is wanted. */
  get sound(): AbortSignal {
    return this.#sound.signal;
  }

  /** Ends the sound: what there is of it is still heard. Where it has ended, that ends too. */
  stop(): void {
    if (this.#hasEnded || this.#sound.signal.aborted) this.cancel();
    this.#sound.abort();
  }

  /** Ends all at once. */
  cancel(): void {
    this.#work.abort(new TransformerError('ABORTED', 'Hearing was stopped.'));
    this.#sound.abort();
  }

  /** Hears all pieces. Errors: those of the pieces and of the model; ABORTED. */
  async run(
    model: Recognizer,
    pieces: AsyncIterable<Piece>,
    choices: Choices,
    { onWave, onText, onPassage, onTimes }: Receiver,
  ): Promise<void> {
    const { signal } = this.#work;
    const { window } = model;
    const hear = async (
      data: Float32Array,
      samplingRate: number,
      onPart: (text: string) => void,
    ) => {
      const start = performance.now();
      const heard = await model.hear({ data, samplingRate }, choices, {
        signal,
        onText: (text) => {
          if (!signal.aborted) onPart(text);
        },
      });
      signal.throwIfAborted();
      onTimes({ time: performance.now() - start, seconds: data.length / samplingRate });
      return heard;
    };
    let listener: Listener | undefined;
    let listening: Promise<void> | undefined;
    for await (const { data, samplingRate, isLast = false } of pieces) {
      if (listener === undefined) {
        listener = new Listener(samplingRate, { window, hear, onText, onPassage });
        listening = listener.listen();
        // No more pieces are wanted where hearing has failed.
        listening.catch(() => this.#sound.abort());
      }
      listener.add(data, isLast);
      onWave({ samples: listener.samples, samplingRate, seconds: window });
    }
    this.#hasEnded = true;
    listener?.end();
    await listening;
  }
}
