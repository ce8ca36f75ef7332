// Vocabularies of characters, as speech recognisers have them: texts to labels and back.
import { expect, test } from 'vitest';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { readFixtureJson } from '../support/fixture.ts';
import { expectRejection } from '../support/rejection.ts';
import { memorySource } from '../support/source.ts';

const { vocabulary, tokenizer_config: config } = (await readFixtureJson(
  'sound/pipelines.json',
)) as Record<string, Record<string, unknown>>;
const json = (value: unknown): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(JSON.stringify(value));

function load(vocab: unknown, fields: object = {}): Promise<Tokenizer> {
  const files = {
    'vocab.json': json(vocab),
    'tokenizer_config.json': json({ ...config, ...fields }),
  };
  return Tokenizer.load(memorySource(files), undefined);
}

test('a character is a token, a space the one between words', async () => {
  const tokenizer = await load(vocabulary);
  expect(tokenizer.padToken).toBe(0);
  expect(tokenizer.encode("AB D'X")).toEqual([5, 6, 2, 8, 7, 3]);
  expect(tokenizer.tokens([0, 2, 9])).toEqual(['<pad>', '|', 'É']);
  const steps = [2, 5, 5, 0, 5, 6, 0, 2, 2, 8, 0, 2];
  expect(tokenizer.decode(steps, { skipSpecialTokens: false })).toBe('AAB D');
});

test('vocabularies of many languages are taken by the one that is named', async () => {
  const both = { eng: vocabulary, fra: { '<pad>': 0, '|': 1, A: 2 } };
  const french = await load(both, { target_lang: 'fra', added_tokens_decoder: {} });
  expect(french.encode('A A')).toEqual([2, 1, 2]);
  await expectRejection(load(both), 'FILE_INVALID', 'eng, fra', 'target_lang');
});
