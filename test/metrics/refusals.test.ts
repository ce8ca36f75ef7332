// Bad input and options of the metrics: each ends in a typed error that says what to do.
import { expect, test } from 'vitest';
import {
  bleu,
  chrF,
  exactMatch,
  type MeanLoss,
  perplexity,
  rouge,
  sentenceBleu,
} from '../../src/metrics/index.ts';
import { expectRejection } from '../support/rejection.ts';

type Call = (...values: readonly unknown[]) => unknown;
const overlap = { bleu, chrF, rouge, exactMatch } as unknown as Record<string, Call>;

test('texts that cannot be compared are refused by every metric', async () => {
  for (const [name, metric] of Object.entries(overlap)) {
    const refused = (hypotheses: unknown, references: unknown, ...parts: string[]): Promise<void> =>
      expectRejection(() => metric(hypotheses, references), 'INPUT_INVALID', `${name}: `, ...parts);
    await refused(['a', 'b', 'c'], ['a', 'b'], '3 hypotheses and 2 references', 'inner array');
    await refused([], [], 'no texts', 'Pass');
    await refused('a text', ['a text'], 'hypotheses is a string', 'wanted an array');
    await refused(['a'], undefined, 'references is missing');
    await refused(['a', null], ['a', 'b'], 'hypotheses[1] is null', 'wanted a string');
    await refused(['a'], [7], 'references[0] is 7');
    await refused(['a', 'b'], ['a', ['b', undefined]], 'references[1][1] is missing');
    await refused(['a', 'b'], [[], 'b'], 'references[0] is an empty array', 'at least one');
  }
  await expectRejection(() => sentenceBleu('a', []), 'INPUT_INVALID', 'sentenceBleu: ', 'empty');
  const several = ['a'] as unknown as string;
  await expectRejection(() => sentenceBleu(several, 'a'), 'INPUT_INVALID', 'an array');
});

test('unknown options are refused with the nearest name', async () => {
  const refused = (metric: Call, options: object, ...parts: string[]): Promise<void> =>
    expectRejection(() => metric(['a'], ['a'], options), 'OPTION_UNKNOWN', ...parts);
  const sentence: Call = (_, __, options) => sentenceBleu('a', 'a', options as object);
  await refused(overlap['bleu']!, { tokeniser: '13a' }, 'option of bleu', '"tokenizer"');
  await refused(sentence, { effective_order: true }, 'option of sentenceBleu', '"effectiveOrder"');
  await refused(overlap['chrF']!, { word_order: 2 }, 'option of chrF', '"wordOrder"');
  await refused(overlap['rouge']!, { useStemmer: true }, 'option of rouge', 'Known: tokenizer');
  await refused(overlap['exactMatch']!, { normalise: String }, 'exactMatch', '"normalize"');
});

test('values that options do not take are refused', async () => {
  const refused = (name: string, options: object, ...parts: string[]): Promise<void> =>
    expectRejection(() => overlap[name]!(['a'], ['a'], options), 'OPTION_INVALID', ...parts);
  await refused('bleu', { tokenizer: '13' }, 'tokenizer is "13"', '13a, char, none', 'mean "13a"?');
  await refused('bleu', { tokenizer: 'flores200' }, '"flores200"', 'wanted one of');
  await refused('bleu', { smoothing: 'addK' }, 'smoothing is "addK"', 'mean "add-k"?');
  await refused('bleu', { smoothing: 3 }, 'smoothing is 3');
  await refused('bleu', { smoothingValue: 1 }, 'no effect', '"exp"', 'Leave it out');
  await refused('bleu', { smoothing: 'none', smoothingValue: 1 }, 'no effect', '"none"');
  for (const smoothingValue of [0, -1, NaN, Infinity, '1']) {
    await refused('bleu', { smoothing: 'floor', smoothingValue }, 'smoothingValue is', 'above 0');
  }
  await refused('bleu', { lowercase: 1 }, 'lowercase is 1', 'true or false');
  await refused('bleu', { effectiveOrder: 'no' }, 'effectiveOrder is a string');
  await refused('chrF', { charOrder: 0 }, 'charOrder is 0', 'from 1 to 1000');
  await refused('chrF', { charOrder: 2.5 }, 'charOrder is 2.5', 'whole number');
  await refused('chrF', { wordOrder: -1 }, 'wordOrder is -1', 'from 0 to 1000');
  await refused('chrF', { beta: 0 }, 'beta is 0', 'above 0');
  await refused('chrF', { lowercase: 'yes' }, 'lowercase is a string');
  await refused('rouge', { tokenizer: '13a' }, 'tokenizer is a string', 'a function');
  await refused('exactMatch', { normalize: true }, 'normalize is a boolean', 'a function');
});

test('an option given as undefined is one left out', () => {
  const unset = { tokenizer: undefined, smoothing: undefined, smoothingValue: undefined };
  expect(overlap['bleu']!(['a b'], ['a c'], unset)).toEqual(bleu(['a b'], ['a c']));
});

test('functions given as options must return what is wanted of them', async () => {
  const tokenizer = (() => [1]) as unknown as (text: string) => string[];
  await expectRejection(() => rouge(['a'], ['a'], { tokenizer }), 'INPUT_INVALID', 'token 0', '1');
  const words = ((text: string) => text) as unknown as (text: string) => string[];
  const call = (): unknown => rouge(['a'], ['a'], { tokenizer: words });
  await expectRejection(call, 'INPUT_INVALID', 'the tokenizer returned is a string', 'an array');
  const normalize = (() => undefined) as unknown as (text: string) => string;
  const match = (): unknown => exactMatch(['a'], ['a'], { normalize });
  await expectRejection(match, 'INPUT_INVALID', 'normalize returned is missing', 'a string');
});

test('losses that have no perplexity are refused', async () => {
  const refused = (losses: unknown, ...parts: string[]): Promise<void> =>
    expectRejection(() => perplexity(losses as MeanLoss[]), 'INPUT_INVALID', ...parts);
  const good = { loss: 1, tokens: 2 };
  await refused([], 'no losses');
  await refused(2.5, 'losses is 2.5', 'wanted an array');
  await refused([good, 2.5], 'losses[1] is 2.5', '{ loss, tokens }');
  await refused([good, null], 'losses[1] is null');
  await refused([{ loss: NaN, tokens: 2 }], 'losses[0].loss is not a number', 'finite');
  await refused([{ loss: Infinity, tokens: 2 }], 'losses[0].loss is Infinity');
  await refused([{ tokens: 2 }], 'losses[0].loss is missing');
  for (const tokens of [0, -1, 1.5, NaN]) {
    await refused([good, { loss: 1, tokens }], 'losses[1].tokens is', '1 or more');
  }
});
