// The values of a generation's options: the call's over generation_config.json's over the defaults.

import { refuseUnknown, TransformerError } from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';
import type { BiasedSequence } from '../../shaders/choice/token-rules.ts';
import {
  type GenerateOptions,
  type Limits,
  optionNames,
  type Real,
  reals,
  samplingOptions,
  unsupported,
  type Whole,
  wholes,
} from './options.ts';
import { OptionReader } from './option-reader.ts';
import type { JsonObject } from '../../source/json.ts';

/** What a generation starts from. */
export interface GenerationBounds {
  /** Size of the vocabulary that tokens are chosen from. */
  readonly vocabulary: number;
  /** Positions of the model; infinite where it has no limit. */
  readonly maxPositions: number;
  /** Positions that config.json states, which end the default length alone; infinite without. */
  readonly statedPositions: number;
  /** Tokens each sequence starts with. */
  readonly prompt: number;
}

/** New tokens at most, where nobody says. */
const usualTokens = 20;

type TokenList = 'eosTokenId' | 'suppressTokens' | 'beginSuppressTokens' | 'forcedEosTokenId';

/** Every option, checked. Lists are empty where nothing was asked. */
export type GenerationValues = Readonly<Record<Whole | Real, number>> &
  Readonly<Record<TokenList, readonly number[]>> & {
    /** Tokens of a sequence at most and before its end at least, prompt included. */
    readonly maxLength: number;
    readonly minLength: number;
    readonly doSample: boolean;
    readonly renormalizeLogits: boolean;
    readonly earlyStopping: boolean | 'never';
    readonly seed: number;
    readonly padTokenId: number;
    readonly forcedBosTokenId: number | undefined;
    readonly badWordsIds: readonly (readonly number[])[];
    readonly sequenceBias: readonly BiasedSequence[];
    readonly exponentialDecayLengthPenalty: readonly [number, number] | undefined;
  };

/** Checks what a call and the files ask for. Errors: OPTION_UNKNOWN, OPTION_INVALID. */
export function generationValues(
  options: GenerateOptions,
  file: JsonObject,
  bounds: GenerationBounds,
): GenerationValues {
  const known = [...optionNames, 'stopStrings', ...Object.keys(unsupported)];
  refuseUnknown(options, known, 'option of generate');
  const read = new OptionReader(options, file, bounds.vocabulary);
  for (const name of ['bosTokenId', 'decoderStartTokenId']) {
    if (read.asked(name) !== undefined) read.token(name);
  }
  const doSample = read.flag('doSample');
  for (const [name, neutral] of Object.entries(unsupported)) {
    const isRead = name !== 'topH' || doSample;
    if (((isRead ? read.given(name) : read.asked(name)) ?? neutral) === neutral) continue;
    throw read.wrong(name, `${show(neutral)}, as nothing else is supported`);
  }
  if ([read.given('stopStrings') ?? []].flat().length > 0) {
    throw read.wrong(
      'stopStrings',
      'null, as a model knows no texts; a pipeline stops there, and so can a stoppingCriteria',
    );
  }
  // What would change nothing is refused when a call asks for it; files may hold what they like.
  const isUsed = (name: string, preset: unknown, uses: boolean, next: string): boolean => {
    if (!uses && (read.asked(name) ?? preset) !== preset) {
      throw read.wrong(name, `it with ${next} only`);
    }
    return uses;
  };
  const numberOf = (name: Whole | Real, limits: Limits, isWhole: boolean): number =>
    samplingOptions.includes(name) && !isUsed(name, limits[0], doSample, 'doSample: true')
      ? limits[0]
      : read.number(name, limits, isWhole);
  const numbers = Object.fromEntries([
    ...Object.entries(wholes).map(([name, limits]) => [
      name,
      numberOf(name as Whole, limits, true),
    ]),
    ...Object.entries(reals).map(([name, limits]) => [name, numberOf(name as Real, limits, false)]),
  ]) as Record<Whole | Real, number>;

  const { numBeams, numReturnSequences } = numbers;
  isUsed('lengthPenalty', 1, numBeams > 1, 'numBeams above 1');
  isUsed('earlyStopping', false, numBeams > 1, 'numBeams above 1');
  if (numReturnSequences > (numBeams === 1 && doSample ? Infinity : numBeams)) {
    throw read.wrong('numReturnSequences', `numBeams (${numBeams}) at most, or doSample: true`);
  }
  const earlyStopping = read.given('earlyStopping') ?? false;
  if (typeof earlyStopping !== 'boolean' && earlyStopping !== 'never') {
    throw read.wrong('earlyStopping', "true, false or 'never'");
  }
  const decay = read.given('exponentialDecayLengthPenalty');
  if (decay !== undefined && !isPair(decay)) {
    throw read.wrong('exponentialDecayLengthPenalty', '[tokens to start from, factor]');
  }
  if (!['function', 'undefined'].includes(typeof options.stoppingCriteria)) {
    throw read.wrong('stoppingCriteria', 'a function of the sequences');
  }
  const isWord = (item: unknown): item is readonly number[] => read.isIds(item) && item.length > 0;
  const isBiased = (item: unknown): item is BiasedSequence =>
    Array.isArray(item) && item.length === 2 && isWord(item[0]) && typeof item[1] === 'number';

  const eosTokenId = read.tokens('eosTokenId');
  return {
    ...numbers,
    ...lengths(read, bounds),
    doSample,
    earlyStopping,
    eosTokenId,
    padTokenId: read.token('padTokenId') ?? eosTokenId[0] ?? 0,
    renormalizeLogits: read.flag('renormalizeLogits'),
    seed: read.number('seed', [Math.floor(Math.random() * 2 ** 32), 0, 2 ** 32 - 1], true),
    suppressTokens: read.tokens('suppressTokens'),
    beginSuppressTokens: read.tokens('beginSuppressTokens'),
    forcedBosTokenId: read.token('forcedBosTokenId'),
    forcedEosTokenId: read.tokens('forcedEosTokenId'),
    badWordsIds: read.list('badWordsIds', isWord, 'sequences'),
    sequenceBias: read.list('sequenceBias', isBiased, '[sequence, bias]'),
    exponentialDecayLengthPenalty: decay,
  };
}

function isPair(value: unknown): value is [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every(Number.isFinite);
}

/**
 * Greatest and least length. What a caller asks for must fit; what the files say is cut to fit. As in
 * Hugging Face a number of new tokens comes before a length, but a call always comes before a file.
 */
function lengths(
  read: OptionReader,
  bounds: GenerationBounds,
): { maxLength: number; minLength: number } {
  const { maxPositions, statedPositions, prompt } = bounds;
  // The last token is never fed back, so it needs no position.
  const most = maxPositions + 1;
  checkAskedLengths(read, bounds);
  const isNew = (news: string, all: string): boolean =>
    (read.asked(news) ?? undefined) !== undefined ||
    ((read.asked(all) ?? undefined) === undefined && read.given(news) !== undefined);
  const large = 2 ** 31;
  const maxLength = isNew('maxNewTokens', 'maxLength')
    ? prompt + read.number('maxNewTokens', [usualTokens, 1, large], true)
    : read.number('maxLength', [Math.min(prompt + usualTokens, statedPositions), 0, large], true);
  if (maxLength <= prompt) {
    const isFiles = read.given('maxLength') !== undefined;
    const limit = isFiles
      ? `maxLength is ${maxLength} in generation_config.json`
      : `the model has ${maxLength} positions`;
    throw new TransformerError(
      'OPTION_INVALID',
      `The prompt has ${prompt} tokens, but ${limit}. Pass maxNewTokens, or a shorter prompt.`,
    );
  }
  return {
    maxLength: Math.min(most, maxLength),
    minLength: isNew('minNewTokens', 'minLength')
      ? prompt + read.number('minNewTokens', [0, 0, large], true)
      : read.number('minLength', [0, 0, large], true),
  };
}

/** Refuses lengths that a caller asks for and that cannot be. */
function checkAskedLengths(read: OptionReader, { maxPositions, prompt }: GenerationBounds): void {
  const most = maxPositions + 1;
  for (const [name, before] of [
    ['maxNewTokens', prompt],
    ['maxLength', 0],
  ] as const) {
    const value = read.asked(name) ?? undefined;
    if (value === undefined) continue;
    const length = (typeof value === 'number' ? value : NaN) + before;
    if (Number.isSafeInteger(value) && length > prompt && length <= most) continue;
    const to = most === Infinity ? ' on' : ` to ${most - before}`;
    throw new TransformerError(
      'OPTION_INVALID',
      `${name} is ${show(value)}; wanted a whole number from ${prompt + 1 - before}${to}` +
        `${most === Infinity ? '' : `, as the model's ${maxPositions} positions allow`}.`,
    );
  }
}
