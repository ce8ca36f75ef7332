// Scores of known answers.
import { expect, test } from 'vitest';
import { drawPhrases } from '../../src/phrases/phrases.ts';
import { scorePhrases } from '../../src/phrases/score.ts';
import { expectRejection } from '../support/rejection.ts';

const phrases = drawPhrases(2, 3);

test('any answer of Intl is right, whichever style', () => {
  const { right, total, directions, kinds, misses } = scorePhrases(
    phrases.map(({ answers }) => answers.at(-1)!),
    phrases,
  );
  expect({ right, total, misses }).toEqual({ right: 144, total: 144, misses: [] });
  expect(directions.size).toBe(12);
  for (const tally of directions.values()) expect(tally).toEqual({ right: 12, total: 12 });
  expect(kinds.size).toBe(4);
  for (const tally of kinds.values()) expect(tally).toEqual({ right: 36, total: 36 });
});

test('misses are counted where they belong and listed', () => {
  const wrong = phrases.findIndex(({ from, to, kind }) => `${from}${to}${kind}` === 'frzhmeasure');
  const answers = phrases.map((phrase, index) => phrase.answers[0] + (index === wrong ? ' ' : ''));
  const score = scorePhrases(answers, phrases);
  expect([score.right, score.total]).toEqual([143, 144]);
  expect(score.misses).toEqual([{ phrase: phrases[wrong], answer: answers[wrong] }]);
  expect(score.directions.get('fr-zh')).toEqual({ right: 11, total: 12 });
  expect(score.directions.get('zh-fr')).toEqual({ right: 12, total: 12 });
  expect(score.kinds.get('measure')).toEqual({ right: 35, total: 36 });
  expect(score.kinds.get('date')).toEqual({ right: 36, total: 36 });
});

test('answers and phrases must be as many', async () => {
  const scoreOne = (): unknown => scorePhrases(['un'], phrases);
  await expectRejection(scoreOne, 'INPUT_INVALID', '1 answers to 144 phrases');
  expect(scorePhrases([], [])).toMatchObject({ right: 0, total: 0, misses: [] });
});
