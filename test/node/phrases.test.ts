// The embedded translator next to Intl, over its whole field, and the demo page's examples.
import { expect, test, vi } from 'vitest';
import { pipeline } from 'webgpu-transformer';
import { exampleMeanings, examplePhrases, locales } from '../../demo/examples.ts';
import { fixtureSource } from '../support/source.ts';
import { render } from '../../src/phrases/meanings.ts';
import { drawPhrases } from '../../src/phrases/phrases.ts';
import { wideField } from '../../src/phrases/wide-field.ts';

vi.setConfig({ testTimeout: 120_000 });

const { languages, kinds } = wideField;

interface Asked {
  readonly text: string;
  readonly to: string;
  readonly answers: readonly string[];
}

/** The phrases that come out otherwise, with what comes out. */
async function misses(phrases: readonly Asked[]): Promise<string[]> {
  using translate = await pipeline('translation', fixtureSource('models/phrases'));
  expect(translate.languages).toEqual(languages);
  const wrong: string[] = [];
  for (const to of languages) {
    const mine = phrases.filter((phrase) => phrase.to === to);
    const translations = await translate(
      mine.map(({ text }) => text),
      { to },
    );
    for (const [index, { text, answers }] of mine.entries()) {
      expect(translate.unknownParts(text)).toEqual([]);
      const { translationText } = translations[index]!;
      if (!answers.includes(translationText)) wrong.push(`${text} → ${translationText} (${to})`);
    }
  }
  return wrong;
}

test('phrases of every kind come out as Intl renders them', async () => {
  // One in five: the kinds come in turns of twelve, so each has its share.
  const phrases = drawPhrases(8, 1, wideField).filter((_, index) => index % 5 === 0);
  expect(phrases).toHaveLength(135);
  expect(new Set(phrases.map(({ kind }) => kind)).size).toBe(kinds.length);
  const wrong = await misses(phrases);
  // The model itself misses three in a hundred, and versions of Intl differ in a word or two.
  expect(wrong.length, `wrong: ${wrong.join('; ')}`).toBeLessThanOrEqual(8);
});

// The first two are of the day.
test.each([
  [new Date(2026, 10, 21, 15, 7), 7],
  [new Date(2026, 9, 31, 9, 30), 2],
])('each example of the page is right in each language, %s', async (now, count) => {
  const meanings = exampleMeanings(now);
  const phrases = locales.flatMap((from) =>
    examplePhrases(from, now)
      .slice(0, count)
      .flatMap((text, index) =>
        locales
          .filter((to) => to !== from)
          .map((to) => {
            const { meaning } = meanings[index]!;
            const answers = render(meaning, to).filter((_, i) => render(meaning, from)[i] === text);
            return { text, to, answers };
          }),
      ),
  );
  expect(phrases).toHaveLength(count * 8 * 7);
  expect(await misses(phrases)).toEqual([]);
});
