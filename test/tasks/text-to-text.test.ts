// Translation, summaries and other answers of encoder–decoders: prefixes, languages, settings.
import { expect, test } from 'vitest';
import { summarization, text2textGeneration } from '../../src/tasks/text/text-to-text.ts';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { translation } from '../../src/tasks/text/translation.ts';
import { expectRejection } from '../support/rejection.ts';
import { ScriptedModel } from '../support/scripted-model.ts';
import { memorySource } from '../support/source.ts';
import { taskFiles } from '../support/tasks.ts';

const tokenizer = await Tokenizer.load(memorySource(await taskFiles('gpt2')), undefined);
const params = {
  summarization: {
    prefix: 'summarize: ',
    early_stopping: true,
    length_penalty: 2,
    max_length: 200,
    num_beams: 4,
  },
  translation_en_to_de: { prefix: 'translate English to German: ', max_length: 300, num_beams: 4 },
  translation_en_to_fr: { prefix: 'translate English to French: ', max_length: 300 },
  translation_ro_to_fr: { prefix: 'translate Romanian to French: ' },
};

/** Answers with what it has read. */
function parrot(config: Record<string, unknown>, count = 1): ScriptedModel {
  const fields = { pad_token_id: tokenizer.padToken, ...config };
  return new ScriptedModel(fields, (ids) => Array.from({ length: count }, () => ids), false);
}

test('T5 translates by the prefixes of its config, with their settings', async () => {
  const model = parrot({ model_type: 't5', task_specific_params: params });
  const translate = translation({ model, tokenizer });
  expect(translate.languages).toEqual(['de', 'fr']);
  expect(await translate('It was good.', { to: 'de' })).toEqual([
    { translationText: 'translate English to German: It was good.' },
  ]);
  expect(model.asked[0]!.options).toEqual({ maxLength: 300, numBeams: 4 });
  const answers = await translate(['Good', 'It'], { from: 'ro', to: 'fr', maxNewTokens: 5 });
  expect(answers.map(({ translationText }) => translationText)).toEqual([
    'translate Romanian to French: Good',
    'translate Romanian to French: It',
  ]);
  await translate('It', { to: 'de', maxNewTokens: 5, numBeams: 1 });
  expect(model.asked.at(-1)!.options).toEqual({ maxNewTokens: 5, numBeams: 1 });
  await expectRejection(translate('It'), 'OPTION_INVALID', 'to is missing', 'de, fr');
});

test('T5 without such a config writes the names of the languages', async () => {
  const translate = translation({ model: parrot({ model_type: 'mt5' }), tokenizer });
  const [first] = await translate('It', { to: 'es', from: 'fr' });
  expect(first!.translationText).toBe('translate French to Spanish: It');
  await expectRejection(translate('It', { to: 'nowhere' }), 'OPTION_INVALID', '"nowhere"');
  await expectRejection(translate('It', { to: '12' }), 'OPTION_INVALID', '"12"');
});

test('a checkpoint of one language pair takes no language', async () => {
  const translate = translation({ model: parrot({ model_type: 'marian' }), tokenizer });
  expect(translate.languages).toEqual([]);
  expect(await translate('It')).toEqual([{ translationText: 'It' }]);
  await expectRejection(translate('It', { to: 'de' }), 'OPTION_INVALID', 'one language pair');
  await expectRejection(translate('It', { from: 'de' }), 'OPTION_INVALID', '"from"');
  await expectRejection(translate('It', { top: 'de' } as object), 'OPTION_UNKNOWN', '"top"');
});

test('a text with nothing to read is refused, and says which it was', async () => {
  const translate = translation({ model: parrot({ model_type: 'marian' }), tokenizer });
  for (const blank of [' ', '\t\n', '\u3000\u00a0', '\u200b\ufeff']) {
    await expectRejection(translate(blank), 'INPUT_INVALID', 'The text to translate is blank');
    await expectRejection(translate.stream(blank).next(), 'INPUT_INVALID', 'blank');
  }
  await expectRejection(translate(''), 'INPUT_INVALID', 'is empty');
  await expectRejection(translate(['It', ' ']), 'INPUT_INVALID', 'number 2 of 2');
  expect(() => translate.encode('')).toThrow('is empty');
  expect(await translate(['-', '¿'])).toHaveLength(2);
  expect(await translate([])).toEqual([]);
});

test('parts that the tokenizer does not know are told as they stand in the text', async () => {
  const bert = await Tokenizer.load(memorySource(await taskFiles('bert/mlm')), undefined);
  const translate = translation({ model: parrot({ model_type: 'marian' }), tokenizer: bert });
  expect(translate.unknownParts('It was good.')).toEqual([]);
  expect(translate.unknownParts('It 試 was 試 ☃ good.')).toEqual(['試', '☃']);
  const bytes = translation({ model: parrot({ model_type: 'marian' }), tokenizer });
  expect(bytes.unknownParts('☃')).toEqual([]);
});

test('summaries', async () => {
  const t5 = parrot({ model_type: 't5', task_specific_params: params });
  const summarize = summarization({ model: t5, tokenizer });
  expect(await summarize('It was good.')).toEqual([{ summaryText: 'summarize: It was good.' }]);
  expect(t5.asked[0]!.options).toEqual({
    earlyStopping: true,
    lengthPenalty: 2,
    maxLength: 200,
    numBeams: 4,
  });
  // Without beams, or without draws, what counts for them alone is left out.
  await summarize('It', { numBeams: 1, maxNewTokens: 4 });
  expect(t5.asked[1]!.options).toEqual({ numBeams: 1, maxNewTokens: 4 });
  const drawn = { do_sample: true, temperature: 0.5, max_length: 9, unknown: 1, num_beams: null };
  const sampling = parrot({ task_specific_params: { summarization: drawn } });
  await summarization({ model: sampling, tokenizer })('It', { doSample: false });
  expect(sampling.asked[0]!.options).toEqual({ doSample: false, maxLength: 9 });
  const plain = summarization({ model: parrot({ model_type: 't5' }), tokenizer });
  expect(await plain('It')).toEqual([{ summaryText: 'summarize: It' }]);
  // BART needs no prefix, but may have one of its own for every text.
  const bart = summarization({
    model: parrot({ model_type: 'bart', prefix: ' ' }),
    tokenizer,
  });
  expect(await bart(['It', 'Good'])).toEqual([{ summaryText: ' It' }, { summaryText: ' Good' }]);
});

test('text2text generation adds nothing', async () => {
  const model = parrot({ model_type: 't5', task_specific_params: params }, 2);
  const generate = text2textGeneration({ model, tokenizer });
  expect(await generate('It', { numReturnSequences: 2 })).toEqual([
    { generatedText: 'It' },
    { generatedText: 'It' },
  ]);
  expect(model.asked[0]!.options).toEqual({ numReturnSequences: 2, maxNewTokens: 256 });
  let text = '';
  for await (const piece of generate.stream('It was good.')) text += piece;
  expect(text).toBe('It was good.');
  await expectRejection(generate(['It', 3] as never), 'INPUT_INVALID', 'number');
  await expectRejection(generate.stream('It', { beams: 2 } as object).next(), 'OPTION_UNKNOWN');
});

test('long lists are taken in parts of sixteen', async () => {
  const model = parrot({ model_type: 'bart' });
  const texts = Array.from({ length: 40 }, (_, i) => 'x'.repeat((7 * i) % 11));
  const answers = await text2textGeneration({ model, tokenizer })(texts);
  expect(answers.map(({ generatedText }) => generatedText)).toEqual(texts);
  expect(model.asked.map(({ inputs }) => inputs.inputIds.length)).toEqual([16, 16, 8]);
});
