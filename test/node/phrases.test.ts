// The embedded translator next to Intl, in all 12 directions.
import { expect, test } from 'vitest';
import { pipeline } from 'webgpu-transformer';
import { fixtureSource } from '../support/source.ts';
import { languages } from '../../src/phrases/meanings.ts';
import { drawPhrases } from '../../src/phrases/phrases.ts';

test('phrases come out as Intl renders them', async () => {
  using translate = await pipeline('translation', fixtureSource('models/phrases'));
  const phrases = drawPhrases(8, 1);
  expect(phrases).toHaveLength(48);
  expect(new Set(phrases.map(({ from, to }) => `${from} ${to}`)).size).toBe(12);
  const wrong: string[] = [];
  for (const to of languages) {
    const mine = phrases.filter((phrase) => phrase.to === to);
    const translations = await translate(
      mine.map(({ text }) => text),
      { to },
    );
    for (const [index, { text, answers }] of mine.entries()) {
      const { translationText } = translations[index]!;
      if (!answers.includes(translationText)) wrong.push(`${text} → ${translationText}`);
    }
  }
  // The model itself misses one in several hundred, and versions of Intl differ in a word or two.
  expect(wrong.length, `wrong: ${wrong.join('; ')}`).toBeLessThanOrEqual(2);
});
