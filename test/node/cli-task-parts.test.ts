// What the commands of tasks are made of: texts from streams, progress of loads, words about configs.
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { loadModel } from 'webgpu-transformer';
import { headOf, labelsOf, positionsOf, tasksFor, vocabularyOf } from '../../src/cli/describe.ts';
import { LoadProgress } from '../../src/cli/load.ts';
import { flagOption, listOption, readOptions, textOption } from '../../src/cli/options.ts';
import { withoutNoise } from '../../src/cli/relay.ts';
import { textGroups } from '../../src/cli/texts.ts';
import { root } from '../support/cli.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { expectError } from '../support/safetensors.ts';

const [{ options: usual } = { options: {} }] = await testGpus();
const { signal } = new AbortController();

/** The groups of texts that come of chunks on stdin. */
async function groupsOf(...chunks: (string | Uint8Array)[]): Promise<(readonly string[])[]> {
  const groups: (readonly string[])[] = [];
  const input = Readable.from(chunks, { objectMode: false });
  for await (const group of textGroups([], signal, input)) groups.push(group);
  return groups;
}

test('lines that arrive together are a group, wherever chunks end', async () => {
  expect(await groupsOf('a\nb\n', 'c\n')).toEqual([['a', 'b'], ['c']]);
  expect(await groupsOf('a', 'b\r', '\nc')).toEqual([['ab'], ['c']]);
  expect(await groupsOf('a\n\nb\n')).toEqual([['a', '', 'b']]);
  const [letter] = (
    await groupsOf(...[...Buffer.from('łódź\n')].map((byte) => Buffer.of(byte)))
  ).flat();
  expect(letter).toBe('łódź');
});

test('a line is taken when it comes, not at the end', async () => {
  const input = new PassThrough();
  const groups = textGroups([], signal, input);
  input.write('first\n');
  expect((await groups.next()).value).toEqual(['first']);
  input.write('second\n');
  expect((await groups.next()).value).toEqual(['second']);
  input.end();
  expect((await groups.next()).done).toBe(true);
});

test('texts that were given come first, and none is an error', async () => {
  const unread = new PassThrough();
  const groups: unknown[] = [];
  for await (const group of textGroups(['a', 'b'], signal, unread)) groups.push(group);
  expect(groups).toEqual([['a', 'b']]);
  await expectError(groupsOf(), 'OPTION_INVALID', 'There is no text', 'stdin');
});

test('waiting for a line ends with the signal', async () => {
  const controller = new AbortController();
  const groups = textGroups([], controller.signal, new PassThrough());
  const next = groups.next();
  controller.abort();
  await expect(next).rejects.toMatchObject({ name: 'AbortError' });
});

test('a load shows megabytes of all files, on a terminal alone', () => {
  const written: string[] = [];
  const write = (text: string): void => void written.push(text);
  const load = (isTTY: boolean): void => {
    using progress = new LoadProgress({ write, isTTY, columns: 60 });
    const total = 4_000_001;
    for (const loaded of [0, total]) {
      progress.show({ file: 'a.safetensors', loaded, total, overall: { loaded, total } });
    }
  };
  load(false);
  expect(written).toEqual([]);
  load(true);
  expect(written[0]).toMatch(/^\r\S+\[\.+\] 0\/5 {2}MB {2}a\.safetensors$/);
  expect(written[1]).toMatch(/\[#+\] 5\/5 {2}MB/);
  expect(written[2]).toBe('\r\u001B[2K');
  expect(written).toHaveLength(3);
});

test('options are read, and unknown ones name the nearest, or all', async () => {
  const options = {
    'top-k': textOption('N', 'so many'),
    to: listOption('X', 'where'),
    json: flagOption('as JSON'),
  };
  const read =
    (...args: string[]) =>
    () =>
      readOptions(args, options);
  expect(read('--top-k', '3', 'a', '--json')()).toEqual({
    values: { 'top-k': '3', to: undefined, json: true },
    positionals: ['a'],
  });
  await expectError(read('--topK', '3'), 'OPTION_UNKNOWN', "'--topK'", 'mean "--top-k"');
  await expectError(read('--top_k', '3'), 'OPTION_UNKNOWN', "'--top_k'", 'mean "--top-k"');
  await expectError(read('--verbose'), 'OPTION_UNKNOWN', 'Known: --top-k, --to, --json');
  await expectError(() => readOptions(['-x'], {}), 'OPTION_UNKNOWN', "'-x'", 'none here');
  await expectError(read('--top-k'), 'OPTION_INVALID', "'--top-k <value>' argument missing");
  // In one line.
  const ambiguous = await expectError(read('--top-k', '--json'), 'OPTION_INVALID', 'ambiguous');
  expect(ambiguous.message).not.toContain('\n');
});

test('what begins with a dash and is no option is a text', () => {
  const options = { to: listOption('X', 'where'), json: flagOption('as JSON') };
  const read = (...args: string[]): ReturnType<typeof readOptions<typeof options>> =>
    readOptions(args, options);
  expect(read('-5 °C', '--to', 'fr')).toEqual({
    values: { to: ['fr'], json: false },
    positionals: ['-5 °C'],
  });
  const texts = ['-5', '-.5 m', '- an item', '—', '-', '--to the lighthouse', '−5'];
  expect(read(...texts, '--json').positionals).toEqual(texts);
  expect(read('--to', '-3', '--to=-4').values.to).toEqual(['-3', '-4']);
  // Behind -- everything is.
  expect(read('--json', '--', '-5 °C', '--to', '-h', '--')).toEqual({
    values: { to: undefined, json: true },
    positionals: ['-5 °C', '--to', '-h', '--'],
  });
});

test('of what a child prints, the lines of Dawn on its limits are dropped alone', () => {
  const noise =
    'Warning: maxDynamicStorageBuffersPerPipelineLayout artificially reduced from 80 to 16 to fit ' +
    'dynamic offset allocation limit.\n';
  expect(withoutNoise(`${noise}libEGL warning: no display\n${noise}last`)).toEqual({
    passed: 'libEGL warning: no display\nlast',
    kept: '',
  });
  // What may still become such a line waits for the rest of it.
  const first = withoutNoise(`a\n${noise.slice(0, 30)}`);
  expect(first).toEqual({ passed: 'a\n', kept: noise.slice(0, 30) });
  expect(withoutNoise(first.kept + noise.slice(30))).toEqual({ passed: '', kept: '' });
  const other = 'Warning: maxDynamicUniformBuffersPerPipelineLayout is odd.\n';
  expect(withoutNoise(other)).toEqual({ passed: other, kept: '' });
});

test('class names are told in words', () => {
  const heads = {
    BertForSequenceClassification: 'sequence classification',
    XLMRobertaForMaskedLM: 'masked language model',
    LlamaForCausalLM: 'causal language model',
    GPT2LMHeadModel: 'language model',
    MarianMTModel: 'language model',
    BertModel: 'none',
  };
  for (const [name, head] of Object.entries(heads)) expect(headOf(name)).toBe(head);
  expect(headOf(null)).toBeNull();
});

test('positions and vocabularies are those of the loaded model', () =>
  withGpu(usual, async (gpu) => {
    const vocabularies: readonly [string, number][] = [
      ['bart', 112],
      ['bert_base', 120],
      ['distilbert_seqcls', 110],
      ['gpt2', 120],
      ['llama_gqa', 120],
      ['marian', 112],
      ['qwen2', 120],
      ['roberta_base', 110],
      ['t5_relu', 112],
    ];
    for (const [name, vocabulary] of vocabularies) {
      using model = await loadModel(path.join(root, 'test', 'fixtures', name), { gpu });
      const { config, maxPositions } = model;
      const positions = maxPositions === Infinity ? 'unlimited' : maxPositions;
      expect([name, vocabularyOf(config), positionsOf(config)]).toEqual([
        name,
        vocabulary,
        positions,
      ]);
    }
    expect(vocabularyOf({ kind: 'seq2seq training run', model: { src_vocab: 7 } })).toBe(7);
    expect([vocabularyOf({}), positionsOf({})]).toEqual([null, null]);
  }));

test('tasks follow from head and labels', async () => {
  const states = ['embeddings', 'feature-extraction', 'sentence-similarity'];
  const tasks = (architecture: string, ...labels: string[]): Promise<string[]> =>
    tasksFor({ model_type: 'bert', id2label: Object.fromEntries(labels.entries()) }, architecture);
  const classifier = 'BertForSequenceClassification';
  expect(await tasks(classifier, 'a', 'b')).toEqual([...states, 'text-classification']);
  expect(await tasks(classifier, 'a')).toEqual([...states, 'text-classification', 'text-ranking']);
  expect(await tasks(classifier, 'No', 'ENTAILMENT')).toContain('zero-shot-classification');
  expect(labelsOf({ id2label: { 1: 'b', 0: 'a' } }, classifier)).toEqual(['a', 'b']);
  expect(labelsOf({ id2label: { 0: 'a' } }, 'GPT2LMHeadModel')).toEqual([]);
  const translator = { model_type: 't5', is_encoder_decoder: true };
  expect(await tasksFor(translator, 'T5ForConditionalGeneration')).toEqual([
    'summarization',
    'text2text-generation',
    'translation',
  ]);
  expect(await tasksFor({ model_type: 'vit' }, 'ViTForImageClassification')).toEqual([
    'image-classification',
    'image-feature-extraction',
  ]);
  expect(await tasksFor({}, null)).toEqual([]);
});
