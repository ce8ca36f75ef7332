// Words of tokens, as Whisper's tokenizer puts them together.

import type { TextTokenizer } from '../task.ts';
import type { TimedTokens } from './speech-overlap.ts';

/** A word, and the places of its tokens. */
interface Word {
  text: string;
  places: number[];
}

export interface TimedWord {
  readonly text: string;
  readonly timestamp: [start: number, end: number];
}

/** Languages that are written without spaces between words. */
const unspaced = new Set(['chinese', 'japanese', 'thai', 'lao', 'myanmar', 'cantonese']);

const before = '"\'“¡¿([{-';
const behind = '"\'.。,，!！?？:：”)]}、';
const ascii = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~';

/** The words of a text, with their times. `language`: its English name. */
export function timedWords(
  tokenizer: Pick<TextTokenizer, 'decode'>,
  { tokens, times = [] }: TimedTokens,
  language: string | undefined,
): TimedWord[] {
  const parts = wholeCharacters(tokenizer, tokens);
  const words = unspaced.has(language ?? 'english') ? parts : atSpaces(parts);
  return withPunctuation(words).map(({ text, places }) => {
    const [start = 0] = times[places[0] ?? 0] ?? [];
    const [, end = 0] = times[places.at(-1) ?? 0] ?? [];
    return { text, timestamp: [start, end] };
  });
}

/** Tokens put together until their bytes are characters. */
function wholeCharacters(
  tokenizer: Pick<TextTokenizer, 'decode'>,
  tokens: readonly number[],
): Word[] {
  const options = { skipSpecialTokens: false };
  const whole = Array.from(tokenizer.decode(tokens, options));
  const words: Word[] = [];
  let open: number[] = [];
  let length = 0;
  tokens.forEach((_, place) => {
    open.push(place);
    const text = tokenizer.decode(
      open.map((at) => tokens[at] ?? 0),
      options,
    );
    const characters = Array.from(text);
    const broken = characters.indexOf('\ufffd');
    // What is broken in the whole text, too, will not become whole.
    const isWhole =
      broken < 0 || length + broken >= whole.length || whole[length + broken] === '\ufffd';
    if (!isWhole) return;
    words.push({ text, places: open });
    open = [];
    length += characters.length;
  });
  return words;
}

function atSpaces(parts: readonly Word[]): Word[] {
  const words: Word[] = [];
  for (const { text, places } of parts) {
    const last = words.at(-1);
    // As in Hugging Face: what is found in the list of signs, which an empty text is.
    const isSign = ascii.includes(text.trim());
    if (last === undefined || text.startsWith(' ') || isSign)
      words.push({ text, places: [...places] });
    else {
      last.text += text;
      last.places.push(...places);
    }
  }
  return words;
}

/** Signs that belong to the word behind them, and to that before them, go with it. */
function withPunctuation(words: readonly Word[]): Word[] {
  const all = words.map(({ text, places }) => ({ text, places: [...places] }));
  const empty = (word: Word): void => {
    word.text = '';
    word.places = [];
  };
  let next = all.at(-1);
  for (const word of all.slice(0, -1).toReversed()) {
    if (next !== undefined && word.text.startsWith(' ') && before.includes(word.text.trim())) {
      next.text = word.text + next.text;
      next.places = [...word.places, ...next.places];
      empty(word);
    } else {
      next = word;
    }
  }
  let [last] = all;
  for (const word of all.slice(1)) {
    if (last !== undefined && !last.text.endsWith(' ') && behind.includes(word.text)) {
      last.text += word.text;
      last.places.push(...word.places);
      empty(word);
    } else {
      last = word;
    }
  }
  return all.filter(({ text }) => text !== '');
}
