// Embeddings as a checkpoint of sentence-transformers says: pooling, normalisation, lengths, prompts.
import { expect, test } from 'vitest';
import { cosineSimilarity, pipeline, type Pipelines } from 'webgpu-transformer';
import {
  embeddings,
  type Embeddings,
  sentenceSimilarity,
  type SentenceSimilarity,
} from '../../src/tasks/embeddings.ts';
import { featureExtraction } from '../../src/tasks/feature-extraction.ts';
import { pool, type Pooling } from '../../src/tasks/pooling.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { type Files, memorySource, withFields } from '../support/source.ts';
import { cpuParts, nested, taskFiles } from '../support/tasks.ts';

const [{ options: usual } = { options: {} }] = await testGpus();

const texts = ['Marie Curie was born in Warsaw.', 'A film about the river', 'good'];

function files(contents: Record<string, unknown>): Files {
  const bytes = (value: unknown): Uint8Array<ArrayBuffer> =>
    new TextEncoder().encode(JSON.stringify(value));
  return Object.fromEntries(Object.entries(contents).map(([name, value]) => [name, bytes(value)]));
}

type Parts = Awaited<ReturnType<typeof cpuParts>>;

async function embedderOf(parts: Parts): Promise<Embeddings> {
  return (await embeddings(parts.files, undefined))(parts);
}

async function similarityOf(parts: Parts): Promise<SentenceSimilarity> {
  return (await sentenceSimilarity(parts.files, undefined))(parts);
}

const modules = (...types: string[]): unknown[] =>
  types.map((type, idx) => ({
    idx,
    name: String(idx),
    path: idx === 0 ? '' : `${idx}_${type}`,
    type: `sentence_transformers.models.${type}`,
  }));

test('without modules.json the vectors are means', async () => {
  const parts = await cpuParts('bert/features');
  const embed = await embedderOf(parts);
  const wanted = await featureExtraction(parts)(texts, { pooling: 'mean' });
  expect(await embed(texts)).toEqual(wanted);
  expect((await embed(texts[0]!)).shape).toEqual([1, 16]);
});

test('modules.json says how', async () => {
  const settings = {
    'modules.json': modules('Transformer', 'Pooling', 'Normalize'),
    '1_Pooling/config.json': { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false },
    'sentence_bert_config.json': { max_seq_length: 6 },
  };
  const parts = await cpuParts('bert/features', files(settings));
  const embed = await embedderOf(parts);
  const result = await embed(texts);
  // Only six tokens of the first text count.
  const ids = parts.tokenizer.encodingWindows(texts[0]!, undefined, { maxLength: 6 })[0]!.ids;
  expect(ids).toHaveLength(6);
  const { lastHiddenState } = await parts.model.forward({
    inputIds: [ids],
    attentionMask: [ids.map(() => 1)],
  });
  const first = lastHiddenState!.data.slice(0, 16);
  const norm = Math.hypot(...first);
  first.forEach((x, i) => expect(result.data[i]).toBeCloseTo(x / norm, 6));
  const raw = await embed(texts, { normalize: false });
  expect(raw.data[0]).toBeCloseTo(first[0]!, 6);
});

test('a tokenizer that knows no limit leaves it to the positions of the model', () =>
  withGpu(usual, async (gpu) => {
    const all = await taskFiles('roberta/features');
    const unlimited = withFields(all['tokenizer_config.json'], { model_max_length: 1e30 });
    const long = texts.join(' ').repeat(4);
    const load = (changed: Files): Promise<Pipelines['embeddings']> =>
      pipeline('embeddings', memorySource({ ...all, ...changed }), { gpu });
    using limited = await load({});
    using free = await load({ 'tokenizer_config.json': unlimited });
    expect(free.tokenizer.maxLength).toBeUndefined();
    expect(await free(long)).toEqual(await limited(long));
  }));

test('vectors of single tokens can be normalized too', async () => {
  const extract = featureExtraction(await cpuParts('bert/features'));
  const [plain] = nested(await extract(texts[1]!)) as [number[][]];
  const [unit] = nested(await extract(texts[1]!, { normalize: true })) as [number[][]];
  for (const [t, row] of plain.entries()) {
    const norm = Math.hypot(...row);
    row.forEach((x, i) => expect(unit[t]![i]).toBeCloseTo(x / norm, 6));
  }
});

test('several poolings stand side by side in the order of sentence-transformers', async () => {
  const settings = {
    'modules.json': modules('Transformer', 'Pooling'),
    '1_Pooling/config.json': { pooling_mode_mean_tokens: true, pooling_mode_max_tokens: true },
  };
  const embed = await embedderOf(await cpuParts('bert/features', files(settings)));
  const plain = await cpuParts('bert/features');
  const states = await featureExtraction(plain)(texts[1]!);
  const [rows] = nested(states) as [number[][]];
  const { data, shape } = await embed(texts[1]!);
  expect(shape).toEqual([1, 32]);
  for (let i = 0; i < 16; i++) {
    const column = rows.map((row) => row[i]!);
    expect(data[i]).toBeCloseTo(Math.max(...column), 6);
    expect(data[16 + i]).toBeCloseTo(column.reduce((a, b) => a + b, 0) / rows.length, 6);
  }
});

test('prompts, lower case and white space', async () => {
  const settings = {
    'config_sentence_transformers.json': {
      prompts: { query: 'The capital: ', passage: '' },
      default_prompt_name: 'query',
    },
    'sentence_bert_config.json': { do_lower_case: true },
  };
  const prompted = await embedderOf(await cpuParts('roberta/features', files(settings)));
  const plain = await embedderOf(await cpuParts('roberta/features'));
  expect(await prompted('  Paris ')).toEqual(await plain('the capital:   paris'));
  expect(await prompted('Paris', { prompt: 'A ' })).toEqual(await plain('a paris'));
  expect(await prompted('Paris')).not.toEqual(await plain('paris'));
});

test('similarity is the cosine, or what the checkpoint says', async () => {
  const [sourceSentence, ...sentences] = texts as [string, ...string[]];
  const parts = await cpuParts('bert/features');
  const { data } = await (await embedderOf(parts))(texts);
  const [a, b, c] = [data.subarray(0, 16), data.subarray(16, 32), data.subarray(32, 48)];
  const scores = await (await similarityOf(parts))({ sourceSentence, sentences });
  expect(scores).toEqual([cosineSimilarity(a, b), cosineSimilarity(a, c)]);
  expect(cosineSimilarity(a, a)).toBeCloseTo(1, 12);
  expect(cosineSimilarity([3, 4], [4, -3])).toBe(0);
  const dot = files({ 'config_sentence_transformers.json': { similarity_fn_name: 'dot' } });
  const products = await similarityOf(await cpuParts('bert/features', dot));
  const [first] = await products({ sourceSentence, sentences });
  expect(first).toBeCloseTo(
    a.reduce((sum, x, i) => sum + x * b[i]!, 0),
    5,
  );
});

test('settings that are not computed are refused', async () => {
  const refused: [Record<string, unknown>, string][] = [
    [{ 'modules.json': modules('Transformer', 'Pooling', 'Dense') }, 'Dense'],
    [
      {
        'modules.json': modules('Transformer', 'Pooling'),
        '1_Pooling/config.json': { pooling_mode: 'attention' },
      },
      'attention',
    ],
    [
      {
        'modules.json': modules('Transformer', 'Pooling'),
        '1_Pooling/config.json': { include_prompt: false },
      },
      'prompts',
    ],
    [{ 'config_sentence_transformers.json': { similarity_fn_name: 'euclidean' } }, 'euclidean'],
  ];
  for (const [settings, part] of refused) {
    const parts = await cpuParts('bert/features', files(settings));
    await expectRejection(() => embedderOf(parts), 'MODEL_UNSUPPORTED', part);
  }
});

test('poolings of vectors, padding left out', () => {
  const data = new Float32Array([1, 10, 4, 20, 9, 60, 99, 99]);
  const wanted: Record<Pooling, number[]> = {
    mean: [14 / 3, 30],
    cls: [1, 10],
    last: [9, 60],
    max: [9, 60],
    meanSqrtLength: [14 / Math.sqrt(3), 90 / Math.sqrt(3)],
    weightedMean: [(1 + 8 + 27) / 6, (10 + 40 + 180) / 6],
  };
  for (const [pooling, values] of Object.entries(wanted)) {
    const found = pool({ data, shape: [4, 2] }, 3, pooling as Pooling);
    values.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 5));
  }
});
