// Prompts and chats: what the model reads, and what is made of its answer.
import { expect, test } from 'vitest';
import { endsWithStop } from '../../src/tasks/generation.ts';
import type { TextTokenizer } from '../../src/tasks/task.ts';
import {
  textGeneration,
  type TextGenerationOptions,
} from '../../src/tasks/text/text-generation.ts';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { Random } from '../support/random.ts';
import { expectRejection } from '../support/rejection.ts';
import { ScriptedModel } from '../support/scripted-model.ts';
import { memorySource } from '../support/source.ts';
import { taskFiles } from '../support/tasks.ts';
import { loadTokenizer } from '../support/tokenizer.ts';

const tokenizer = await Tokenizer.load(memorySource(await taskFiles('gpt2')), undefined);
const config = { pad_token_id: tokenizer.padToken };
const ids = (text: string): number[] =>
  tokenizer.encode(text, undefined, { addSpecialTokens: false });

/** Goes on with `count` answers a prompt, each naming the prompt's number of tokens. */
function writer(count = 1): { model: ScriptedModel; generate: ReturnType<typeof textGeneration> } {
  const answers = (prompt: readonly number[]): number[][] =>
    Array.from({ length: count }, (_, i) => [
      ...ids(` is ${prompt.length}, not ${i}`),
      tokenizer.eosToken!,
    ]);
  const model = new ScriptedModel(config, answers, true);
  return { model, generate: textGeneration({ model, tokenizer }) };
}

test('prompts go on, in their order, padded on the left', async () => {
  const { model, generate } = writer();
  const prompts = ['Ada', 'Marie Curie was born in Warsaw and', 'The film'];
  const lengths = prompts.map((prompt) => ids(prompt).length);
  const options = { maxNewTokens: 7 };
  const wanted = prompts.map((prompt, i) => [
    { generatedText: `${prompt} is ${lengths[i]}, not 0` },
  ]);
  expect(await generate(prompts, options)).toEqual(wanted);
  expect(await generate('Ada', options)).toEqual(wanted[0]);
  expect(await generate('Ada', { returnFullText: false })).toEqual([
    { generatedText: ` is ${lengths[0]}, not 0` },
  ]);
  const [{ inputs, options: given }] = model.asked as [(typeof model.asked)[0]];
  expect(given).toEqual(options);
  for (const [row, mask] of inputs.attentionMask.entries()) {
    expect(mask).toEqual(mask.toSorted((a, b) => a - b));
    expect(inputs.inputIds[row]!.filter((_, t) => mask[t] === 0)).toEqual(
      mask.filter((counts) => counts === 0).map(() => tokenizer.padToken),
    );
  }
});

test('256 new tokens, unless the call or the files say, or positions end before', async () => {
  const lengthsOf = async (
    files: Record<string, unknown>,
    options: TextGenerationOptions,
    maxPositions = Infinity,
  ): Promise<unknown> => {
    const { model, generate } = writer();
    Object.assign(model, { generationConfig: files, maxPositions });
    await generate(['Ada', 'The film'], options);
    const { maxNewTokens, maxLength } = model.asked[0]!.options;
    await generate.stream('Ada', options).next();
    const streamed = model.asked[1]!.options;
    expect(streamed.maxLength).toBe(maxLength);
    if (maxPositions === Infinity) expect(streamed.maxNewTokens).toBe(maxNewTokens);
    return [maxNewTokens, maxLength];
  };
  const none = undefined;
  expect(await lengthsOf({}, {})).toEqual([256, none]);
  expect(await lengthsOf({}, { maxLength: 30 })).toEqual([none, 30]);
  expect(await lengthsOf({}, { maxNewTokens: 3 })).toEqual([3, none]);
  expect(await lengthsOf({ max_length: 40 }, {})).toEqual([none, none]);
  expect(await lengthsOf({ max_new_tokens: 40 }, {})).toEqual([none, none]);
  expect(await lengthsOf({ max_length: null }, {})).toEqual([256, none]);
  expect(await lengthsOf({ max_length: 40 }, { maxLength: null })).toEqual([256, null]);
  const longest = Math.max(ids('Ada').length, ids('The film').length);
  expect(await lengthsOf({}, {}, longest + 9)).toEqual([10, none]);
});

test.each(['llama', 'unigram', 'wordpiece', 'chat'])(
  'a stream of %s, joined, is the text of the call',
  async (folder) => {
    const other = await loadTokenizer(folder);
    const size = [...other.vocabulary()].length;
    const random = new Random(3);
    for (let round = 0; round < 40; round++) {
      const answer = Array.from({ length: 12 }, () => random.integer(0, size - 1));
      const model = new ScriptedModel({ pad_token_id: 0 }, () => [answer], true);
      const generate = textGeneration({ model, tokenizer: other });
      const pieces: string[] = [];
      for await (const piece of generate.stream('the cat')) pieces.push(piece);
      const [alone] = await generate('the cat', { returnFullText: false });
      expect(pieces.join('')).toBe(alone?.generatedText);
      expect(await generate('the cat')).toEqual([{ generatedText: `the cat${pieces.join('')}` }]);
    }
  },
);

test('an empty prompt begins with the first token of all texts', async () => {
  const { model, generate } = writer();
  expect(await generate('')).toEqual([{ generatedText: ' is 1, not 0' }]);
  expect(model.asked[0]!.inputs.inputIds).toEqual([[tokenizer.bosToken]]);
});

test('several sequences a prompt', async () => {
  const { generate } = writer(2);
  const both = (prompt: string): object[] =>
    [0, 1].map((i) => ({ generatedText: `${prompt} is ${ids(prompt).length}, not ${i}` }));
  expect(await generate('Ada')).toEqual(both('Ada'));
  expect(await generate(['The film', 'Ada'])).toEqual([both('The film'), both('Ada')]);
});

test('chats are read by their template, and end with the new message', async () => {
  const { model, generate } = writer();
  const chat = [
    { role: 'system', content: 'Be good.' },
    { role: 'user', content: 'Who wrote it?' },
  ];
  const text = '<s>system: Be good.</s><s>user: Who wrote it?</s><s>assistant:';
  const content = ` is ${ids(text).length}, not 0`;
  const [reply] = await generate(chat);
  expect(reply).toEqual({ generatedText: [...chat, { role: 'assistant', content }] });
  const read = model.asked[0]!.inputs.inputIds[0]!;
  expect(tokenizer.decode(read, { skipSpecialTokens: false })).toBe(text);
  expect(await generate([chat, chat], { returnFullText: false })).toEqual(
    [chat, chat].map(() => [{ generatedText: content }]),
  );
});

test('a chat that ends with the assistant is continued in the same message', async () => {
  const { model, generate } = writer();
  const chat = [
    { role: 'user', content: 'Who?' },
    { role: 'assistant', content: 'It was Ada' },
  ];
  const text = '<s>user: Who?</s><s>assistant: It was Ada';
  const [reply] = await generate(chat);
  expect(reply!.generatedText).toEqual([
    chat[0],
    { role: 'assistant', content: `It was Ada is ${ids(text).length}, not 0` },
  ]);
  const read = model.asked[0]!.inputs.inputIds[0]!;
  expect(tokenizer.decode(read, { skipSpecialTokens: false })).toBe(text);
});

test('pieces of a stream make the new text', async () => {
  const { generate } = writer();
  const pieces: string[] = [];
  for await (const piece of generate.stream('Marie')) pieces.push(piece);
  expect(pieces.join('')).toBe(` is ${ids('Marie').length}, not 0`);
  expect(pieces.length).toBeGreaterThan(2);
});

test('a stop string ends a sequence with the token that completes it', () => {
  const decoder: Pick<TextTokenizer, 'decode'> = tokenizer;
  const prompt = ids('The end. It was');
  const ends = (text: string, ...stops: string[]): number[] => {
    const row = [...prompt, ...ids(text)];
    const at = row.flatMap((_, i) =>
      endsWithStop(decoder, row.slice(0, i + 1), stops) ? [i] : [],
    );
    return at.filter((place) => place >= prompt.length);
  };
  const text = ' good. Then it was good again';
  const row = [...prompt, ...ids(text)];
  const [first, second] = ends(text, 'good') as [number, number];
  expect(tokenizer.decode(row.slice(0, first + 1))).toMatch(/good$/);
  expect(tokenizer.decode(row.slice(0, second + 1))).toMatch(/was good$/);
  // What stands in the prompt alone stops nothing; what begins there may.
  expect(ends(text, 'end.')).toEqual([]);
  expect(ends(text, 'was good')).toEqual([first, second]);
  expect(ends(text, 'never', 'good. T')).toHaveLength(1);
  expect(ends('', 'good')).toEqual([]);
});

test('stop strings reach generate as a criterion, beside the caller’s own', async () => {
  const { model, generate } = writer();
  await generate('Ada', {
    stopStrings: 'not',
    stoppingCriteria: (sequences) => sequences.map((row) => row.length === 1),
  });
  const { options } = model.asked[0]!;
  expect(options).not.toHaveProperty('stopStrings');
  const { stoppingCriteria } = options as {
    stoppingCriteria: (sequences: number[][]) => boolean[];
  };
  expect(stoppingCriteria([ids('a not'), ids('a not so'), [5], ids('so')])).toEqual([
    true,
    false,
    true,
    false,
  ]);
});

test('options and inputs that do not fit', async () => {
  const { generate } = writer();
  const refuse = (options: object): Promise<unknown> => generate('Ada', options);
  await expectRejection(
    refuse({ return_full_text: false }),
    'OPTION_UNKNOWN',
    '"return_full_text"',
    '"returnFullText"',
  );
  await expectRejection(refuse({ stopString: 'x' }), 'OPTION_UNKNOWN', '"stopStrings"');
  await expectRejection(refuse({ returnFullText: 1 }), 'OPTION_INVALID', 'returnFullText', '1');
  await expectRejection(refuse({ stopStrings: [] }), 'OPTION_INVALID', 'stopStrings');
  await expectRejection(generate(7 as never), 'INPUT_INVALID', 'number');
  await expectRejection(generate(['Ada', null] as never), 'INPUT_INVALID', 'null');
  await expectRejection(generate([{ content: 'Ada' }] as never), 'INPUT_INVALID', 'role');
  await expectRejection(
    generate.stream('Ada', { returnFullText: true } as never).next(),
    'OPTION_UNKNOWN',
  );
});
