// Hears sound that grows: the newest window of it again and again, one hearing at a time. What is done becomes a
// passage, at a pause or once the window is nearly full, and its sound is left behind.

import { agreement } from './agreement.ts';
import { silentEnd } from './loudness.ts';
import { Sounds } from './sounds.ts';

/** A stretch of what was said. */
export interface Stretch {
  readonly text: string;
  /** Seconds from the beginning of the sound. */
  readonly timestamp?: readonly [start: number | null, end: number | null];
  readonly language?: string | undefined;
}

/** Sound that is done, and what is said in it. */
export interface Passage {
  readonly data: Float32Array;
  readonly samplingRate: number;
  /** Seconds of sound before it. */
  readonly start: number;
  readonly text: string;
  readonly language: string | undefined;
}

export interface Listening {
  /** Seconds that are heard at once. */
  readonly window: number;
  /** Hears a sound; `onText` gets what is written so far. */
  readonly hear: (
    samples: Float32Array,
    samplingRate: number,
    onText: (text: string) => void,
  ) => Promise<readonly Stretch[]>;
  /** Words of the sound that is not done: those that two hearings agree on, and those that may still change. */
  readonly onText: (certain: string, tentative: string) => void;
  readonly onPassage: (passage: Passage) => void;
}

/** Times, as parts of a window: of 30 seconds, 1 s, 25 s, 0.75 s and 0.5 s. */
const [leastSound, fullSound, pause, leadIn] = [1 / 30, 5 / 6, 1 / 40, 1 / 60];

export class Listener {
  readonly #listening: Listening;
  readonly #sounds: Sounds;
  #start = 0;
  #before = '';
  #ended = false;
  #wake: () => void = () => {};

  constructor(samplingRate: number, listening: Listening) {
    this.#sounds = new Sounds(samplingRate);
    this.#listening = listening;
  }

  /** `isLast`: no more sound comes, as after `end`. */
  add(piece: Float32Array, isLast: boolean): void {
    this.#sounds.add(piece);
    this.#ended ||= isLast;
    this.#wake();
  }

  /** The sound that is not done, as far as it fits a window. */
  get samples(): Float32Array {
    return this.#sounds.first(this.#listening.window);
  }

  /** No more sound comes: `listen` ends once it has heard all. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Hears until the end. Errors are those of `hear`. */
  async listen(): Promise<void> {
    const { window } = this.#listening;
    let heard = 0;
    for (;;) {
      const { seconds } = this.#sounds;
      const isNews = seconds > heard && seconds >= leastSound * window;
      if (this.#ended && seconds === 0) return;
      if (!isNews && !this.#ended) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }
      heard = await this.#hearWindow();
    }
  }

  /** Seconds of sound that were heard and are not done. */
  async #hearWindow(): Promise<number> {
    const { window, hear, onText } = this.#listening;
    const { samplingRate } = this.#sounds;
    const isLast = this.#ended && this.#sounds.seconds <= window;
    const samples = this.#sounds.first(window);
    const seconds = samples.length / samplingRate;
    const silence = silentEnd(samples, samplingRate);
    if (silence >= seconds) {
      this.#leave(isLast ? seconds : Math.max(0, seconds - leadIn * window));
      return this.#sounds.seconds;
    }
    const isFirst = this.#before === '';
    const stretches = await hear(samples, samplingRate, (text) => {
      if (isFirst) onText('', text);
    });
    const text = textOf(stretches);
    if (isLast || silence >= pause * window) this.#finish(samples, stretches, seconds);
    else if (seconds >= fullSound * window) this.#finishStretches(samples, stretches);
    else {
      const certain = agreement(this.#before, text);
      onText(certain, text.slice(certain.length));
      this.#before = text;
      return seconds;
    }
    return 0;
  }

  /** All stretches are done but the last, which the end of the window may have cut. */
  #finishStretches(samples: Float32Array, stretches: readonly Stretch[]): void {
    const seconds = samples.length / this.#sounds.samplingRate;
    const done = stretches.slice(0, -1);
    const end = done.at(-1)?.timestamp?.[1] ?? 0;
    const isSome = end >= leastSound * this.#listening.window && end < seconds;
    if (isSome) this.#finish(samples, done, end);
    else this.#finish(samples, stretches, seconds);
  }

  #finish(samples: Float32Array, stretches: readonly Stretch[], seconds: number): void {
    const { samplingRate } = this.#sounds;
    const text = textOf(stretches);
    const data = samples.slice(0, Math.round(seconds * samplingRate));
    const start = this.#start;
    this.#leave(seconds);
    const { onText, onPassage } = this.#listening;
    onText('', '');
    if (text.trim() === '') return;
    onPassage({ data, samplingRate, start, text, language: stretches[0]?.language });
  }

  #leave(seconds: number): void {
    this.#sounds.drop(seconds);
    this.#start += seconds;
    this.#before = '';
  }
}

function textOf(stretches: readonly Stretch[]): string {
  return stretches.map(({ text }) => text).join('');
}
