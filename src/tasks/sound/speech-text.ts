// The text of what Whisper says of a sound, or of its parts that overlap, with the time of each stretch or word.

import { joinOverlapping, type TimedTokens } from './speech-overlap.ts';
import { timedWords } from './speech-words.ts';
import type { TextTokenizer } from '../task.ts';

/** A stretch of speech, or a word. */
export interface SpeechChunk {
  /** What is said in it. */
  text: string;
  /** Seconds, where times are asked for; null where nothing says when it ends. */
  timestamp?: [start: number | null, end: number | null];
  /** The English name of the language, where it is asked for. */
  language?: string | undefined;
}

/** What is said in a sound. */
export interface SpeechText {
  /** All of it. */
  text: string;
  /** Its stretches or words, where `returnTimestamps` or `returnLanguage` asks for them. */
  chunks?: SpeechChunk[];
}

/** What a model says of a sound, or a part of one. */
export interface HeardTokens {
  readonly tokens: readonly number[];
  /** When each was spoken, in seconds of the part. */
  readonly times?: readonly number[] | undefined;
  /** Seconds of a part, and what of these it shares with the parts before and behind. */
  readonly stride?: readonly [length: number, left: number, right: number] | undefined;
}

/** What tokens mean. */
export interface SpeechVocabulary {
  readonly tokenizer: Pick<TextTokenizer, 'decode'>;
  readonly firstStamp: number;
  /** English names of languages by their tokens. */
  readonly languages: ReadonlyMap<number, string>;
  readonly isSpecial: (token: number) => boolean;
  /** Seconds of a step of time stamps, and of a window. */
  readonly precision: number;
  readonly window: number;
}

export interface SpeechTextOptions {
  readonly timestamps: boolean | 'word';
  readonly language: boolean;
}

/** Seconds, to the hundredth. */
const rounded = (seconds: number): number => Number(seconds.toFixed(2));

/** The text of parts that follow each other. Time stamps where parts overlap say nothing. */
export function speechText(
  parts: readonly HeardTokens[],
  vocabulary: SpeechVocabulary,
  options: SpeechTextOptions,
): SpeechText {
  const reader = new SpeechReader(vocabulary, options);
  for (const part of parts) reader.read(part);
  return reader.end();
}

class SpeechReader {
  readonly #vocabulary: SpeechVocabulary;
  readonly #options: SpeechTextOptions;
  readonly #chunks: (SpeechChunk & { readonly words: SpeechChunk[] })[] = [];
  /** What was read since the last chunk, a list for each part. */
  #pending: TimedTokens[] = [];
  #tokens: number[] = [];
  #times: [number, number][] = [];
  #start: number | null = null;
  #language: string | undefined;
  #chunkLanguage: string | undefined;
  #offset = 0;
  /** Whether the next time stamp is the second of a pair that says nothing. */
  #skips = false;

  constructor(vocabulary: SpeechVocabulary, options: SpeechTextOptions) {
    this.#vocabulary = vocabulary;
    this.#options = options;
  }

  read({ tokens, times, stride }: HeardTokens): void {
    const { firstStamp, precision, window, languages, isSpecial } = this.#vocabulary;
    const [length, left, right] = stride ?? [0, 0, 0];
    this.#offset -= left;
    const first = left > 0 ? left / precision + firstStamp : firstStamp;
    const last = right > 0 ? lastStamp(tokens, length - right, this.#vocabulary) : undefined;
    // Windows within a part begin again at 0.
    let [latest, before, passed] = [0, 0, 0];
    for (const [i, token] of tokens.entries()) {
      if (isSpecial(token)) {
        const language = languages.get(token);
        if (language === undefined) continue;
        const isOther = this.#language !== undefined && language !== this.#language;
        if (isOther && this.#options.timestamps === false) this.#finish(null);
        this.#language = language;
        this.#chunkLanguage = language;
      } else if (token >= firstStamp) {
        const stamp = (token - firstStamp) * precision;
        if (stamp < latest) {
          const isStamp = (place: number): boolean => (tokens[place] ?? -1) >= firstStamp;
          if (i >= 2 && !(isStamp(i - 1) && isStamp(i - 2))) passed += window;
          else {
            latest = before;
            passed += before;
          }
        }
        before = latest;
        latest = stamp;
        const time = rounded(stamp + this.#offset + passed);
        if (last !== undefined && token >= last) this.#skips = true;
        else if (this.#skips || (this.#pending.length > 0 && token < first)) this.#skips = false;
        else if (this.#start === null) this.#start = time;
        else if (time !== this.#start) this.#finish(time);
      } else {
        this.#tokens.push(token);
        if (times !== undefined) {
          const from = i === 0 ? 0 : (times[i - 1] ?? 0);
          this.#times.push([rounded(from + this.#offset), rounded((times[i] ?? 0) + this.#offset)]);
        }
      }
    }
    if (stride) this.#offset += length - right;
    if (this.#tokens.length > 0) this.#keep();
    else if (!this.#pending.some((part) => part.tokens.length > 0)) this.#clear();
  }

  end(): SpeechText {
    if (this.#pending.length > 0) this.#finish(null);
    const text = this.#chunks.map((chunk) => chunk.text).join('');
    const { timestamps, language } = this.#options;
    if (timestamps === false && !language) return { text };
    const chunks =
      timestamps === 'word' ? this.#chunks.flatMap(({ words }) => words) : this.#chunks;
    return {
      text,
      chunks: chunks.map(({ text: own, timestamp, language: spoken }) => ({
        ...(language && { language: spoken }),
        ...(timestamps !== false && timestamp && { timestamp }),
        text: own,
      })),
    };
  }

  /** What was read of a part waits for what the next one says of it. */
  #keep(): void {
    const isTimed = this.#options.timestamps === 'word';
    this.#pending.push({ tokens: this.#tokens, ...(isTimed && { times: this.#times }) });
    this.#tokens = [];
    this.#times = [];
  }

  #clear(): void {
    this.#pending = [];
    this.#tokens = [];
    this.#times = [];
    this.#start = null;
    this.#chunkLanguage = this.#language;
  }

  /** Makes a chunk of what was read. */
  #finish(end: number | null): void {
    if (this.#tokens.length > 0 || end !== null || this.#pending.length === 0) this.#keep();
    const { tokenizer } = this.#vocabulary;
    const joined = joinOverlapping(this.#pending);
    const language = this.#chunkLanguage;
    const words =
      this.#options.timestamps === 'word' ? timedWords(tokenizer, joined, this.#language) : [];
    this.#chunks.push({
      text: tokenizer.decode(joined.tokens, { skipSpecialTokens: false }),
      timestamp: [this.#start, end],
      language,
      words: words.map((word) => ({ ...word, language: this.#language })),
    });
    this.#clear();
  }
}

/** The first of the time stamps at the end of a part that it shares with the next one; that one is never taken. */
function lastStamp(
  tokens: readonly number[],
  shared: number,
  { firstStamp, precision }: SpeechVocabulary,
): number | undefined {
  let found: number | undefined;
  for (const token of tokens.toReversed()) {
    if (token < firstStamp) continue;
    if (found !== undefined && (token - firstStamp) * precision < shared) break;
    found = token;
  }
  return found;
}
