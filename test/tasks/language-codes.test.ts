// Translation between the languages that a checkpoint has tokens for, as Hugging Face does it: the token of the source
// beside the text, that of the target at its beginning.
import { expect, test } from 'vitest';
import { loadModel } from 'webgpu-transformer';
import { translation } from '../../src/tasks/text/translation.ts';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { readFixture, readFixtureJson } from '../support/fixture.ts';
import { sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { ScriptedModel } from '../support/scripted-model.ts';
import { fixtureSource, memorySource, withFields } from '../support/source.ts';

interface Expected {
  readonly runs: readonly {
    readonly text: string;
    readonly from: string;
    readonly to: string;
    readonly ids: number[];
    readonly translation_text: string;
  }[];
  /** With the language behind the text, as mBART has it. */
  readonly suffix: {
    readonly text: string;
    readonly from: string;
    readonly ids: number[];
    readonly post_processor: object;
  };
}

const folder = 'tasks/nllb';
const { runs, suffix } = (await readFixtureJson(`${folder}/expected.json`)) as Expected;
const tokenizer = await Tokenizer.load(fixtureSource(folder), undefined);
const onGpu = sharedGpu();

const languages = ['arb_Arab', 'deu_Latn', 'eng_Latn', 'fra_Latn', 'zho_Hans'];

/** Nothing is asked of it. */
const silent = (fields: object): ScriptedModel =>
  new ScriptedModel({ pad_token_id: 3, ...fields }, () => [], false);

test('translates from and to any language', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('variants/m2m_100'), { gpu });
    const translate = translation({ model, tokenizer });
    expect(translate.languages).toEqual(languages);
    for (const { text, from, to, ids, translation_text: wanted } of runs) {
      expect(translate.encode(text, { from, to })).toEqual(ids);
      const answer = await translate(text, { from, to, maxNewTokens: 8, numBeams: 2 });
      expect(answer).toEqual([{ translationText: wanted }]);
    }
    // The tokenizer's own language where none is named.
    const [{ text, to, ids }] = runs as [Expected['runs'][0]];
    expect(translate.encode(text, { to })).toEqual(ids);
  }));

test('the language may stand behind the text', async () => {
  const { text, from, ids, post_processor } = suffix;
  const [file, settings] = await Promise.all(
    ['tokenizer.json', 'tokenizer_config.json'].map((name) => readFixture(`${folder}/${name}`)),
  );
  const source = memorySource({
    'tokenizer.json': withFields(file, { post_processor }),
    'tokenizer_config.json': settings!,
  });
  const behind = await Tokenizer.load(source, undefined);
  const translate = translation({ model: silent({ model_type: 'mbart' }), tokenizer: behind });
  expect(translate.encode(text, { from, to: 'eng_Latn' })).toEqual(ids);
});

test('languages that there are not are refused by name', async () => {
  const translate = translation({ model: silent({ model_type: 'm2m_100' }), tokenizer });
  const text = 'where are we';
  await expectRejection(translate(text), 'OPTION_INVALID', 'to is missing', languages.join(', '));
  await expectRejection(
    translate(text, { to: 'fra_Lat' }),
    'OPTION_INVALID',
    'Did you mean "fra_Latn"?',
  );
  await expectRejection(translate(text, { to: 'fra_Latn', from: 'en' }), 'OPTION_INVALID', 'from');
  // The text that names a language is a text.
  const spelled = translate.encode('fra_Latn in', { from: 'deu_Latn', to: 'eng_Latn' });
  expect(spelled[0]).toBe(42);
  expect(spelled.at(-1)).toBe(2);
});
