// Texts and conversations as token ids and labels: which tokens count, as transformers masks them.
import { expect, test } from 'vitest';
import { loadModel } from 'webgpu-transformer';
import type { Tokenizer } from 'webgpu-transformer';
import {
  chatExample,
  completionExample,
  exampleBatch,
  loadTokenizer,
  maskedExample,
  packExamples,
  shuffled,
  textExample,
  type TokenExample,
  Trainer,
} from 'webgpu-transformer/training';
import { readFixtureJson } from '../../support/fixture.ts';
import { sharedGpu } from '../../support/gpu.ts';
import { expectRejection } from '../../support/rejection.ts';
import { memorySource } from '../../support/source.ts';
import { taskFiles } from '../../support/tasks.ts';

interface Masked {
  readonly template: string;
  readonly text: string;
  readonly ids: number[];
  readonly mask: number[];
}

const { chat, cases } = (await readFixtureJson('tasks/assistant-masks.json')) as {
  chat: { role: string; content: string }[];
  cases: Record<string, Masked>;
};
const files = await taskFiles('gpt2');

function tokenizerWith(template: string): Promise<Tokenizer> {
  const bytes = new TextEncoder().encode(template);
  return loadTokenizer(memorySource({ ...files, 'chat_template.jinja': bytes }));
}

const tokenizer = await loadTokenizer(memorySource(files));
const bert = await loadTokenizer(memorySource(await taskFiles('bert/features')));
const said = ({ labels }: TokenExample, from = tokenizer): string =>
  from.decode(
    labels.filter((label) => label >= 0),
    { skipSpecialTokens: false },
  );

test.each(Object.entries(cases))(
  'generation blocks: %s',
  async (_, { template, text, ids, mask }) => {
    const own = await tokenizerWith(template);
    expect(await own.applyChatTemplate(chat)).toBe(text);
    const example = await chatExample(own, chat);
    expect(example.inputIds).toEqual(ids);
    expect(example.labels).toEqual(ids.map((id, i) => (mask[i] === 1 ? id : -100)));
  },
);

test('without blocks, turns count by what they add', async () => {
  const { inputIds, labels } = await chatExample(tokenizer, chat);
  expect(inputIds).toEqual(await tokenizer.encodeChat(chat));
  expect(said({ inputIds, labels })).toBe(' Marie Curie was born in Warsaw.</s>  Yes. </s>');
  expect(said(await chatExample(tokenizer, chat, { loss: 'last' }))).toBe('  Yes. </s>');
  const all = await chatExample(tokenizer, chat, { loss: 'all' });
  expect(all.labels).toEqual(all.inputIds);
  // A template that leaves out what the assistant said before.
  const forgetting = await tokenizerWith(
    "{% for m in messages %}<s>{{ m['role'] }}:" +
      "{{ '' if m['role'] == 'assistant' and not loop.last else m['content'] }}</s>{% endfor %}" +
      '{% if add_generation_prompt %}<s>assistant:{% endif %}',
  );
  await expectRejection(
    chatExample(forgetting, chat),
    'INPUT_INVALID',
    'message 2',
    "loss: 'last'",
  );
  expect(said(await chatExample(forgetting, chat, { loss: 'last' }))).toBe(' Yes. </s>');
});

test('conversations that teach nothing are refused', async () => {
  await expectRejection(chatExample(tokenizer, chat.slice(0, 2)), 'INPUT_INVALID', 'no turn');
  const empty = [...chat.slice(0, 2), { role: 'assistant', content: ' ' }];
  await expectRejection(chatExample(tokenizer, empty), 'INPUT_INVALID', 'Message 2', 'empty');
  const long = { maxLength: 20 };
  await expectRejection(
    chatExample(tokenizer, chat, long),
    'INPUT_INVALID',
    '20',
    "tooLong: 'cut'",
  );
  await expectRejection(
    chatExample(tokenizer, chat, { ...long, tooLong: 'cut' }),
    'INPUT_INVALID',
    'first 20 tokens',
  );
  const cut = await chatExample(tokenizer, chat, { maxLength: 50, tooLong: 'cut' });
  expect(cut.inputIds).toHaveLength(50);
});

test('texts, and prompts with what follows them', async () => {
  const text = textExample(tokenizer, 'Marie Curie');
  expect(text).toEqual({
    inputIds: tokenizer.encode('Marie Curie'),
    labels: tokenizer.encode('Marie Curie'),
  });
  const pair = { prompt: 'Where was she born?', completion: ' In Warsaw.' };
  expect(said(completionExample(tokenizer, pair))).toBe(' In Warsaw.</s>');
  await expectRejection(() => textExample(tokenizer, ''), 'INPUT_INVALID', 'Nothing');
  const none = null as unknown as Tokenizer;
  await expectRejection(() => textExample(none, 'a'), 'INPUT_INVALID', 'loadTokenizer');
  await expectRejection(chatExample(none, chat), 'INPUT_INVALID', 'loadTokenizer');
  // A model learns from them.
  await sharedGpu()(async (gpu) => {
    using model = await loadModel(memorySource(files), { gpu, training: true });
    using trainer = new Trainer(model, { learningRate: 0.01 });
    const examples = [
      completionExample(tokenizer, pair),
      textExample(tokenizer, 'London is a city.'),
    ];
    const row = shuffled(examples, 1);
    const losses: number[] = [];
    const batch = (i: number) => exampleBatch([row(2 * i), row(2 * i + 1)], 1);
    for await (const { loss } of trainer.steps(batch, { maxSteps: 12 })) losses.push(loss);
    expect(losses.at(-1)!).toBeLessThan(0.5 * losses[0]!);
  });
});

test('batches are padded on the right, rows packed end to end', () => {
  const [one, two] = [
    { inputIds: [5, 6, 7], labels: [-100, 6, 7] },
    { inputIds: [8, 9], labels: [8, 9] },
  ];
  expect(exampleBatch([one, two], 1)).toEqual({
    inputIds: [
      [5, 6, 7],
      [8, 9, 1],
    ],
    attentionMask: [
      [1, 1, 1],
      [1, 1, 0],
    ],
    labels: [
      [-100, 6, 7],
      [8, 9, -100],
    ],
  });
  expect(packExamples([one, two], 4)).toEqual([
    { inputIds: [5, 6, 7, 8], labels: [-100, 6, 7, 8] },
    { inputIds: [9], labels: [9] },
  ]);
});

test('masks are drawn anew by the seed, 80 : 10 : 10, and never of what stands around a text', async () => {
  const text = 'the film was good and the river was terrible '.repeat(40);
  const { ids } = bert.encoding(text);
  const mask = bert.maskToken!;
  const counts = { told: 0, masked: 0, kept: 0, other: 0 };
  const draws = 30;
  for (let seed = 0; seed < draws; seed++) {
    const { inputIds, labels } = maskedExample(bert, text, { seed });
    expect(inputIds).toHaveLength(ids.length);
    expect([labels[0], labels.at(-1)]).toEqual([-100, -100]);
    labels.forEach((label, i) => {
      if (label < 0) return expect(inputIds[i]).toBe(ids[i]);
      expect(label).toBe(ids[i]);
      counts.told++;
      if (inputIds[i] === mask) counts.masked++;
      else if (inputIds[i] === label) counts.kept++;
      else counts.other++;
    });
  }
  // Five deviations of a binomial distribution.
  const near = (count: number, of: number, share: number): void => {
    const spread = 5 * Math.sqrt(of * share * (1 - share));
    expect(Math.abs(count - of * share)).toBeLessThan(spread);
  };
  near(counts.told, draws * (ids.length - 2), 0.15);
  near(counts.masked, counts.told, 0.8);
  near(counts.kept + counts.other, counts.told, 0.2);
  expect(counts.other).toBeGreaterThan(0.5 * counts.kept);
  expect(maskedExample(bert, text, { seed: 1 })).toEqual(maskedExample(bert, text, { seed: 1 }));
  const few = maskedExample(bert, 'good', { seed: 3, probability: 0 });
  expect(few.labels.filter((label) => label >= 0)).toHaveLength(1);
  expect(maskedExample(bert, text, { seed: 1, maxLength: 9 }).inputIds).toHaveLength(9);
  await expectRejection(
    () => maskedExample(tokenizer, '', { seed: 1 }),
    'INPUT_INVALID',
    'no tokens',
  );
});

test('wrong arguments are told', async () => {
  const wrong = (value: unknown): never => value as never;
  const pair = { prompt: 'a', completion: 'b' };
  for (const option of [
    { maxLength: 0 },
    { maxLength: 'all' },
    { tooLong: 'skip' },
    { loss: 'some' },
  ]) {
    const [name = ''] = Object.keys(option);
    await expectRejection(chatExample(tokenizer, chat, wrong(option)), 'OPTION_INVALID', name);
  }
  await expectRejection(
    chatExample(tokenizer, chat, wrong({ los: 'all' })),
    'OPTION_UNKNOWN',
    '"loss"',
  );
  await expectRejection(
    chatExample(tokenizer, wrong([{ content: 'a' }])),
    'INPUT_INVALID',
    'no role',
  );
  await expectRejection(() => textExample(tokenizer, wrong(5)), 'INPUT_INVALID', 'The text is 5');
  await expectRejection(
    () => completionExample(tokenizer, wrong({ ...pair, completion: 5 })),
    'INPUT_INVALID',
    'The completion is 5',
  );
  await expectRejection(() => completionExample(tokenizer, wrong(null)), 'INPUT_INVALID', 'pair');
  for (const option of [{ seed: 0.5 }, { seed: 1, probability: 1 }, { seed: 1, maxLength: -1 }]) {
    const name = Object.keys(option).at(-1)!;
    await expectRejection(() => maskedExample(bert, 'good', option), 'OPTION_INVALID', name);
  }
  await expectRejection(() => shuffled([], 1), 'INPUT_INVALID', 'no rows');
  await expectRejection(() => shuffled(['a'], 0.5), 'OPTION_INVALID', 'seed');
  await expectRejection(() => shuffled(['a'], 1)(-1), 'OPTION_INVALID', 'number');
  await expectRejection(() => packExamples([], 4), 'INPUT_INVALID', 'at least one');
});

test('every row comes once, then all in another order', () => {
  const row = shuffled(['a', 'b', 'c', 'd', 'e', 'f', 'g'], 4);
  const epoch = (number: number): string[] =>
    Array.from({ length: 7 }, (_, i) => row(7 * number + i));
  expect(epoch(0).toSorted()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
  expect(epoch(1).toSorted()).toEqual(epoch(0).toSorted());
  expect(epoch(1)).not.toEqual(epoch(0));
  expect(shuffled(['a', 'b', 'c', 'd', 'e', 'f', 'g'], 4)(9)).toBe(row(9));
});
