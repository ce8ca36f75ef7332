// The text of speech while it is heard.

import { TextStream } from '../../tokenizer/text-stream.ts';
import type { SpeechVocabulary } from './speech-text.ts';
import type { TextTokenizer } from '../task.ts';

interface LiveTextOptions {
  /** Whether time stamps come: what follows the last one of a window may be heard again by the next one. */
  readonly holds: boolean;
  readonly tell: (piece: string) => void;
}

/** Takes the tokens of one sound after the other, and tells the text that no later token takes back. */
export class LiveText {
  readonly #pieces: TextStream;
  readonly #vocabulary: SpeechVocabulary;
  readonly #options: LiveTextOptions;
  /** Tokens of the window's sequence, prompt included. */
  #length = 0;
  #held: number[] = [];
  #wasStamp = false;
  #hasPair = false;

  constructor(
    tokenizer: Pick<TextTokenizer, 'decode' | 'decodeCertain'>,
    vocabulary: SpeechVocabulary,
    options: LiveTextOptions,
  ) {
    this.#pieces = new TextStream(tokenizer);
    this.#vocabulary = vocabulary;
    this.#options = options;
  }

  /** Takes what a window has so far, each time that it has one token more. */
  take(sequence: readonly number[]): void {
    if (sequence.length <= this.#length) this.endWindow();
    this.#length = sequence.length;
    const token = sequence.at(-1) ?? 0;
    const { firstStamp, isSpecial } = this.#vocabulary;
    const isStamp = token >= firstStamp;
    if (isStamp) {
      this.#hasPair ||= this.#wasStamp;
      this.#flush();
    } else if (!isSpecial(token)) {
      this.#held.push(token);
      if (!this.#options.holds) this.#flush();
    }
    this.#wasStamp = isStamp;
  }

  /** Ends a window: behind a pair of time stamps, what no other closes is heard again. */
  endWindow(): void {
    if (!this.#hasPair) this.#flush();
    this.#held = [];
    this.#length = 0;
    this.#wasStamp = false;
    this.#hasPair = false;
  }

  end(): void {
    this.endWindow();
    this.#tell(this.#pieces.end());
  }

  #flush(): void {
    for (const token of this.#held) this.#tell(this.#pieces.push(token));
    this.#held = [];
  }

  #tell(piece: string): void {
    if (piece !== '') this.#options.tell(piece);
  }
}
