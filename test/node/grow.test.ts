// A translator whose vocabulary grows by what a field writes: it answers as before until it is trained.
import { expect, test, vi } from 'vitest';
import { pipeline, type Source } from 'webgpu-transformer';
import { type Field, narrowField } from '../../src/phrases/fields.ts';
import { grown } from '../../src/phrases/grow.ts';
import { outsideToken } from '../../src/phrases/outside.ts';
import { phrasesConfig, phrasesGeneration } from '../../src/phrases/recipe.ts';
import { buildTokenizer } from '../../src/phrases/vocabulary.ts';
import { wideField } from '../../src/phrases/wide-field.ts';
import { withFiles } from '../../src/source/overlay.ts';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { initialCheckpoint } from '../../src/training/initialize.ts';

vi.setConfig({ testTimeout: 120_000 });

/** A translator of the narrow field that has learned nothing. */
const { tokenizer, config } = buildTokenizer(0, 320);
const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const narrow = withFiles(
  initialCheckpoint(
    { ...phrasesConfig(320), d_model: 32, score_calibration: { slope: 1, offset: 1 } },
    { seed: 5, generationConfig: { ...phrasesGeneration, max_length: 12 } },
  ),
  new Map([
    ['tokenizer.json', json(tokenizer)],
    ['tokenizer_config.json', json(config)],
  ]),
);

async function growFor(source: Source, field: Field): Promise<Source> {
  return grown(source, await Tokenizer.load(source, undefined), field);
}

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
  const more = await growFor(narrow, wideField);
  const settings = await jsonOf(more, 'config.json');
  expect(settings['vocab_size']).toBeGreaterThan(320);
  expect(settings).toMatchObject({ outside_token_id: 320 });
  expect(settings['score_calibration']).toBeUndefined();
  using translate = await pipeline('translation', more);
  expect(translate.unknownParts('€5.00, ¥10 – ₩3')).toEqual([]);
  const { added_tokens: special } = await jsonOf(more, 'tokenizer.json');
  expect(special).toContainEqual(
    expect.objectContaining({ id: 320, content: outsideToken, special: true }),
  );
  const texts = ['in 3 days', '5 kilometers', 'Tuesday, March 7, 1995'];
  const answers = await answersOf(more, texts);
  expect(answers).toEqual(await answersOf(narrow, texts));
  expect(new Set(answers).size).toBeGreaterThan(1);
});

test('a vocabulary that has all keeps its weights, and one that takes none is left alone', async () => {
  const same = await growFor(narrow, narrowField);
  expect(await jsonOf(same, 'config.json')).not.toHaveProperty('score_calibration');
  for (const file of ['tokenizer.json', 'model.safetensors']) {
    expect(await same.read(file)).toEqual(await narrow.read(file));
  }
  const unigram = json({ model: { type: 'Unigram', vocab: [['a', 0]] } });
  const pieces = withFiles(narrow, new Map([['tokenizer.json', unigram]]));
  const encoder = await Tokenizer.load(narrow, undefined);
  expect(await grown(pieces, encoder, wideField)).toBe(pieces);
});
