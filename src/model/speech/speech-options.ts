// What a call may ask for that generates text from speech, and what generation_config.json says of it: Hugging Face's
// names in camelCase.

import { nearestName, TransformerError } from '../../runtime/errors.ts';
import { isListOf } from '../../runtime/lists.ts';
import { show } from '../../runtime/print.ts';
import { isObject, type JsonObject } from '../../source/json.ts';
import { OptionReader } from '../generation/option-reader.ts';
import type { GenerateOptions } from '../generation/options.ts';
import { never } from '../../shaders/choice/rules.ts';

/** Options of `generate` for models that hear, besides those of all. */
export interface SpeechOptions {
  /** By its code or its English name, of all inputs or of each; heard from the sound where nothing says. */
  language?: string | readonly string[] | null;
  /** `translate` gives English. */
  task?: 'transcribe' | 'translate' | null;
  /** Whether time stamps come between the words. Sound that is longer than a window needs them. */
  returnTimestamps?: boolean | null;
  /** Whether the result says when each token was spoken, by the attention to the sound. */
  returnTokenTimestamps?: boolean;
  /** Frames that each input has without what it is padded with. */
  numFrames?: number | readonly number[];
  /** Temperatures that are tried in turn, while a threshold says that a result is none. */
  temperature?: number | readonly number[] | null;
  /** Results that zlib makes so many times smaller repeat themselves. */
  compressionRatioThreshold?: number | null;
  /** Results whose tokens are less likely, on average of the logarithm, are none. */
  logprobThreshold?: number | null;
  /** Windows of which a result is none are silent where this is less likely than that nobody speaks. */
  noSpeechThreshold?: number | null;
  /** Whether windows go on from the text of those before them. */
  conditionOnPrevTokens?: boolean | null;
  /** Tokens of a text that the speech goes on from; they begin with the one that says so. */
  promptIds?: readonly number[] | null;
  /** Which windows see `promptIds`, where they go on from each other. */
  promptConditionType?: 'first-segment' | 'all-segments' | null;
}

/** The names of these options; `temperature` is one of all models. */
export const speechOptionNames: readonly (keyof SpeechOptions)[] = [
  'language',
  'task',
  'returnTimestamps',
  'returnTokenTimestamps',
  'numFrames',
  'compressionRatioThreshold',
  'logprobThreshold',
  'noSpeechThreshold',
  'conditionOnPrevTokens',
  'promptIds',
  'promptConditionType',
];

/** What the files say of tokens. */
export interface SpeechTokens {
  readonly start: number;
  readonly pad: number;
  readonly end: number | undefined;
  /** By how they are written: `<|de|>`. */
  readonly languages: ReadonlyMap<string, number> | undefined;
  readonly tasks: ReadonlyMap<string, number> | undefined;
  readonly noTimestamps: number | undefined;
  /** The first time stamp; beyond the vocabulary where there is none. */
  readonly firstStamp: number;
  /** The first time stamp that no text may begin with. */
  readonly lateStamps: number;
  /** What stands before the text of windows before. */
  readonly previous: number | undefined;
  /** Layers and heads of the decoder whose attention follows the sound. */
  readonly alignmentHeads: readonly (readonly [layer: number, head: number])[] | undefined;
  /** Tokens behind the start token of old checkpoints; null is the language that is heard. */
  readonly forced: readonly (number | null)[];
  /** Whether it is said that the model knows English alone. */
  readonly isEnglish: boolean;
}

/** Reads them. @throws TransformerError OPTION_INVALID for fields that make no sense */
export function speechTokens(
  file: JsonObject,
  config: JsonObject,
  vocabulary: number,
): SpeechTokens {
  const read = new OptionReader({}, file, vocabulary);
  const start = read.token('decoderStartTokenId');
  if (start === undefined) throw read.wrong('decoderStartTokenId', 'a token to begin with');
  const noTimestamps = read.token('noTimestampsTokenId');
  const firstStamp = noTimestamps === undefined ? vocabulary + 1 : noTimestamps + 1;
  const initial = file['max_initial_timestamp_index'] ?? undefined;
  const [end] = read.tokens('eosTokenId');
  return {
    start,
    end,
    pad: read.token('padTokenId') ?? end ?? 0,
    languages: idsIn(read, 'langToId'),
    tasks: idsIn(read, 'taskToId'),
    noTimestamps,
    firstStamp,
    lateStamps:
      initial === undefined
        ? never
        : firstStamp + read.number('maxInitialTimestampIndex', [0, 0, vocabulary], true) + 1,
    previous: read.token('prevSotTokenId') ?? read.tokens('suppressTokens').at(-2),
    alignmentHeads: alignmentHeads(read),
    forced: forcedTokens(read, file['forced_decoder_ids'] ?? config['forced_decoder_ids'] ?? []),
    isEnglish: file['is_multilingual'] === false,
  };
}

function idsIn(read: OptionReader, name: string): ReadonlyMap<string, number> | undefined {
  const given = read.given(name);
  if (given === undefined) return undefined;
  const entries = isObject(given) ? Object.entries(given) : [];
  const isId = (entry: [string, unknown]): entry is [string, number] => read.isIds([entry[1]]);
  if (entries.length > 0 && entries.every(isId)) return new Map(entries);
  throw read.wrong(name, 'an object of token ids');
}

function alignmentHeads(read: OptionReader): SpeechTokens['alignmentHeads'] {
  const given = read.given('alignmentHeads');
  if (given === undefined) return undefined;
  const isPair = (pair: unknown): pair is [number, number] =>
    isListOf(pair, (n) => Number.isInteger(n) && Number(n) >= 0) && pair.length === 2;
  if (isListOf(given, isPair) && given.length > 0) return given;
  throw read.wrong('alignmentHeads', 'a list of [layer, head]');
}

/** The tokens of places 1, 2, 3 …, in this order. */
function forcedTokens(read: OptionReader, given: unknown): readonly (number | null)[] {
  const pairs: unknown[] = Array.isArray(given) ? Array.from<unknown>(given) : [undefined];
  return pairs.map((pair, index) => {
    const [place, token] = Array.isArray(pair) ? Array.from<unknown>(pair) : [];
    if (place === index + 1 && (token === null || read.isIds([token])))
      return token as number | null;
    throw new TransformerError(
      'OPTION_INVALID',
      `forced_decoder_ids has ${show(pair)} at ${index}; wanted [${index + 1}, a token id].`,
    );
  });
}

/** The token of a language. @throws TransformerError OPTION_INVALID for one that the model does not know */
export function languageToken(
  language: string,
  languages: ReadonlyMap<string, number>,
  codes: ReadonlyMap<string, string>,
): number {
  const asked = language.trim().toLowerCase();
  const token = languages.get(asked) ?? languages.get(`<|${codes.get(asked) ?? asked}|>`);
  if (token !== undefined) return token;
  const known = [...languages.keys()].map((name) => name.replaceAll(/[<|>]/g, ''));
  const names = [...codes].filter(([, code]) => known.includes(code)).map(([name]) => name);
  const nearest = nearestName(asked, [...names, ...known]);
  throw new TransformerError(
    'OPTION_INVALID',
    `language is ${show(language)}, which this model does not know. ` +
      (nearest === undefined ? `It knows ${known.join(', ')}.` : `Did you mean "${nearest}"?`),
  );
}

/** What a call asks for, with what the files say where it does not. */
export interface SpeechSettings {
  readonly languages: readonly (string | undefined)[];
  readonly task: 'transcribe' | 'translate' | undefined;
  /** Undefined where nobody says. */
  readonly timestamps: boolean | undefined;
  readonly temperatures: readonly number[];
  readonly compressionRatio: number | undefined;
  readonly logProb: number | undefined;
  readonly noSpeech: number | undefined;
  readonly isContinued: boolean;
  readonly promptIds: readonly number[] | undefined;
  readonly promptsAll: boolean;
}

/** Checks the options of a call for so many inputs. Errors: OPTION_INVALID. */
export function speechSettings(
  options: SpeechOptions & Pick<GenerateOptions, 'doSample'>,
  file: JsonObject,
  { batch, vocabulary }: { batch: number; vocabulary: number },
): SpeechSettings {
  const read = new OptionReader(options, file, vocabulary);
  const threshold = (name: string): number | undefined =>
    read.given(name) === undefined ? undefined : read.number(name, [0, -Infinity, Infinity]);
  const task = read.given('task');
  if (task !== undefined && task !== 'transcribe' && task !== 'translate') {
    throw read.wrong('task', "'transcribe' or 'translate'");
  }
  const language: unknown = read.given('language');
  const languages = Array.isArray(language) ? Array.from<unknown>(language) : [language];
  const isTexts = (list: readonly unknown[]): list is string[] =>
    list.every((one) => typeof one === 'string');
  if (language !== undefined && !(isTexts(languages) && [1, batch].includes(languages.length))) {
    throw read.wrong('language', `the name of a language, or ${batch}, one for each input`);
  }
  const each = isTexts(languages) ? languages : [];
  const temperature = [options.temperature ?? 0].flat();
  if (temperature.length === 0 || !temperature.every((one) => Number.isFinite(one) && one >= 0)) {
    throw read.wrong('temperature', 'a number of at least 0, or a list of such');
  }
  const type = read.given('promptConditionType') ?? 'first-segment';
  if (type !== 'first-segment' && type !== 'all-segments') {
    throw read.wrong('promptConditionType', "'first-segment' or 'all-segments'");
  }
  // Whether tokens are drawn is a matter of the temperature.
  read.flag('doSample');
  const isContinued = read.flag('conditionOnPrevTokens');
  if (type === 'all-segments' && !isContinued) {
    throw read.wrong('promptConditionType', 'it with conditionOnPrevTokens: true only');
  }
  const timestamps =
    read.given('returnTimestamps') === undefined ? undefined : read.flag('returnTimestamps');
  const promptIds = read.tokens('promptIds');
  return {
    languages: Array.from({ length: batch }, (_, row) => each[each.length === 1 ? 0 : row]),
    task,
    timestamps,
    temperatures: temperature,
    compressionRatio: threshold('compressionRatioThreshold'),
    logProb: threshold('logprobThreshold'),
    noSpeech: threshold('noSpeechThreshold'),
    isContinued,
    promptIds: promptIds.length > 0 ? promptIds : undefined,
    promptsAll: type === 'all-segments',
  };
}
