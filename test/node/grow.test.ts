// A translator whose vocabulary grows by what a field writes: it answers as before until it is trained.
import { expect, test, vi } from 'vitest';
import { pipeline, type Source } from 'webgpu-transformer';
import { narrowField } from '../../src/phrases/fields.ts';
import { grown } from '../../src/phrases/grow.ts';
import { outsideToken } from '../../src/phrases/outside.ts';
import { wideField } from '../../src/phrases/wide-field.ts';
import { fixtureSource } from '../support/source.ts';

vi.setConfig({ testTimeout: 120_000 });

const embedded = fixtureSource('models/phrases');

async function answersOf(source: Source, texts: readonly string[]): Promise<string[]> {
  using translate = await pipeline('translation', source);
  const answers = await translate([...texts], { to: 'de' });
  return answers.map(({ translationText }) => translationText);
}

async function jsonOf(source: Source, file: string): Promise<Record<string, unknown>> {
  const bytes = await source.read(file);
  return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
}

test('characters of a wider field become tokens, and the answers stay', async () => {
  const more = await grown(embedded, wideField);
  const { vocab_size: size, score_calibration: fit } = await jsonOf(more, 'config.json');
  const before = (await jsonOf(embedded, 'config.json'))['vocab_size'];
  expect(size).toBeGreaterThan(Number(before));
  expect(fit).toBeUndefined();
  using translate = await pipeline('translation', more);
  expect(translate.unknownParts('€5.00, ¥10 – ₩3')).toEqual([]);
  const { added_tokens: special } = await jsonOf(more, 'tokenizer.json');
  expect(special).toContainEqual(
    expect.objectContaining({ id: before, content: outsideToken, special: true }),
  );
  const texts = ['in 3 days', '5 kilometers per hour', 'Tuesday, March 7, 1995', '€5.00'];
  expect(await answersOf(more, texts)).toEqual(await answersOf(embedded, texts));
});

test('a vocabulary that has all, or takes none, stays', async () => {
  expect(await grown(embedded, narrowField)).toBe(embedded);
  const unigram = new TextEncoder().encode('{"model":{"type":"Unigram","vocab":[["a",0]]}}');
  const pieces: Source = {
    ...embedded,
    read: async (file, ...rest) =>
      file === 'tokenizer.json' ? unigram : embedded.read(file, ...rest),
  };
  expect(await grown(pieces, wideField)).toBe(pieces);
});
