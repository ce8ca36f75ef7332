// Scores beside those of sacreBLEU and rouge_score, over texts chosen for what goes wrong in such
// counting. The README of the fixtures says where the values come from.
import { expect, test } from 'vitest';
import { bleuTokenizers } from '../../src/metrics/bleu-tokenizers.ts';
import {
  bleu,
  type BleuOptions,
  type BleuScore,
  type BleuTokenizer,
  chrF,
  type ChrFOptions,
  type ChrFScore,
  rouge,
  type RougeScores,
  sentenceBleu,
} from '../../src/metrics/index.ts';
import { readFixtureJson } from '../support/fixture.ts';

interface Case<Options, Expected> {
  corpus: string;
  /** None for ROUGE. */
  options?: Options;
  expected: Expected;
}

interface Fixture {
  versions: Record<string, string>;
  corpora: Record<string, { hypotheses: string[]; references: (string | string[])[] }>;
  bleu: Case<BleuOptions, BleuScore>[];
  sentenceBleu: (Case<BleuOptions, BleuScore> & { index: number })[];
  chrF: Case<ChrFOptions, ChrFScore>[];
  rouge: Case<object, RougeScores>[];
  /** Tokens are joined by a space here. */
  tokens: { tokenizer: BleuTokenizer; text: string; tokens: string }[];
}

const fixture = (await readFixtureJson('metrics.json')) as Fixture;

/**
 * How far two float64 computations of one score may lie apart, as a part of it. Less than 100
 * operations are rounded by 2^-53 each (the mean of a corpus included), and exp and log widen it
 * by the size of their arguments, which stays below 20 here.
 */
const rounding = 128 * 2 ** -53;

/** What differs from `wanted`: numbers beyond rounding, strings but for the version in them. */
function differences(got: unknown, wanted: unknown, where: string): string[] {
  if (typeof wanted === 'object' && wanted !== null && typeof got === 'object' && got !== null) {
    const keys = new Set([...Object.keys(got), ...Object.keys(wanted)]);
    return [...keys].flatMap((key) =>
      differences(valueOf(got, key), valueOf(wanted, key), `${where} ${key}`),
    );
  }
  const same =
    typeof wanted === 'number'
      ? Math.abs(Number(got) - wanted) <= rounding * wanted
      : typeof wanted === 'string' &&
        got === wanted.replace(/version:.*$/, 'version:webgpu-transformer');
  return same ? [] : [`${where}: ${String(got)} for ${String(wanted)}`];
}

function valueOf(object: object, key: string): unknown {
  return (object as Record<string, unknown>)[key];
}

function corpus(name: string): Fixture['corpora'][string] {
  const found = fixture.corpora[name];
  if (found === undefined) throw new Error(`The fixture has no texts "${name}".`);
  return found;
}

function label(name: string, { corpus: texts, options }: Case<object, unknown>): string {
  return `${name} of ${texts}, ${JSON.stringify(options ?? {})}:`;
}

test('the fixture covers every option and every corpus', () => {
  const used = (list: readonly Case<object, unknown>[]): Set<string> =>
    new Set(list.map((one) => one.corpus));
  for (const list of [fixture.bleu, fixture.sentenceBleu, fixture.chrF]) {
    expect([...used(list)].toSorted()).toEqual(Object.keys(fixture.corpora).toSorted());
  }
  const values = (name: keyof BleuOptions): Set<unknown> =>
    new Set([...fixture.bleu, ...fixture.sentenceBleu].map(({ options }) => options?.[name]));
  expect(values('tokenizer')).toEqual(new Set([undefined, ...Object.keys(bleuTokenizers)]));
  expect(values('smoothing')).toEqual(new Set([undefined, 'exp', 'floor', 'add-k', 'none']));
  expect(values('effectiveOrder')).toEqual(new Set([undefined, true, false]));
  expect(values('lowercase')).toEqual(new Set([undefined, true]));
});

test('texts are cut into the tokens of sacreBLEU', () => {
  for (const { tokenizer, text, tokens } of fixture.tokens) {
    const got = bleuTokenizers[tokenizer](text).join(' ');
    expect(got, `${tokenizer} of ${JSON.stringify(text)}`).toBe(tokens);
  }
});

test('BLEU of a corpus is that of sacreBLEU, signature included', () => {
  for (const one of fixture.bleu) {
    const { hypotheses, references } = corpus(one.corpus);
    const got = bleu(hypotheses, references, one.options);
    expect(differences(got, one.expected, label('BLEU', one))).toEqual([]);
  }
});

test('BLEU of a sentence is that of sacreBLEU', () => {
  for (const one of fixture.sentenceBleu) {
    const { hypotheses, references } = corpus(one.corpus);
    const got = sentenceBleu(hypotheses[one.index]!, references[one.index]!, one.options);
    expect(differences(got, one.expected, label(`BLEU of text ${one.index}`, one))).toEqual([]);
  }
});

test('chrF and chrF++ are those of sacreBLEU, signature included', () => {
  for (const one of fixture.chrF) {
    const { hypotheses, references } = corpus(one.corpus);
    const got = chrF(hypotheses, references, one.options);
    expect(differences(got, one.expected, label('chrF', one))).toEqual([]);
  }
});

test('ROUGE is that of rouge_score', () => {
  for (const one of fixture.rouge) {
    const { hypotheses, references } = corpus(one.corpus);
    const got = rouge(hypotheses, references);
    expect(differences(got, one.expected, label('ROUGE', one))).toEqual([]);
  }
});
