// Embeddings as a checkpoint of sentence-transformers says: pooling, normalisation, lengths, prompts.
import { expect, test } from 'vitest';
import { cosineSimilarity, loadModel, pipeline, type Pipelines } from 'webgpu-transformer';
import {
  embeddings,
  type Embeddings,
  sentenceSimilarity,
  type SentenceSimilarity,
} from '../../src/tasks/text/embeddings.ts';
import { featureExtraction } from '../../src/tasks/text/feature-extraction.ts';
import { activationNames, activationOf } from '../../src/tasks/text/activations.ts';
import type { Pooling } from '../../src/model/sentence-modules.ts';
import { pool } from '../../src/tasks/pooling.ts';
import { rankingOf } from '../../src/tasks/text/text-ranking.ts';
import { float16ToFloat32, float32ToFloat16 } from '../../src/source/float16.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { Random } from '../support/random.ts';
import { expectRejection } from '../support/rejection.ts';
import { safetensorsFile, type StoredTensor } from '../support/safetensors.ts';
import { type Files, jsonFiles, memorySource, withFields } from '../support/source.ts';
import { cpuParts, nested, taskFiles } from '../support/tasks.ts';

const [{ options: usual } = { options: {} }] = await testGpus();

const texts = ['Marie Curie was born in Warsaw.', 'A film about the river', 'good'];

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
  const parts = await cpuParts('bert/features', jsonFiles(settings));
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
  const embed = await embedderOf(await cpuParts('bert/features', jsonFiles(settings)));
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

test('prompts, by name too, and lower case; texts stay as they are', async () => {
  const settings = {
    'config_sentence_transformers.json': {
      prompts: { query: 'The capital: ', passage: '' },
      default_prompt_name: 'query',
    },
    'sentence_bert_config.json': { do_lower_case: true },
  };
  const prompted = await embedderOf(await cpuParts('roberta/features', jsonFiles(settings)));
  const plain = await embedderOf(await cpuParts('roberta/features'));
  expect(await prompted('  ΣΟΦΟΣ ')).toEqual(await plain('the capital:   σοφοσ '));
  expect(await prompted('Paris', { prompt: 'A ' })).toEqual(await plain('a paris'));
  expect(await prompted('Paris')).not.toEqual(await plain('paris'));
  for (const promptName of ['passage', 'document']) {
    expect(await prompted('Paris', { promptName })).toEqual(await plain('paris'));
  }
  await expectRejection(prompted('x', { promptName: 'pasage' }), 'OPTION_INVALID', 'passage');
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
  const dot = jsonFiles({ 'config_sentence_transformers.json': { similarity_fn_name: 'dot' } });
  const products = await similarityOf(await cpuParts('bert/features', dot));
  const [first] = await products({ sourceSentence, sentences });
  expect(first).toBeCloseTo(
    a.reduce((sum, x, i) => sum + x * b[i]!, 0),
    5,
  );
});

test('distances count as negative', async () => {
  const [sourceSentence, ...sentences] = texts as [string, ...string[]];
  const { data } = await (await embedderOf(await cpuParts('bert/features')))(texts);
  const apart = (row: number): number[] =>
    Array.from({ length: 16 }, (_, i) => data[i]! - data[16 * row + i]!);
  const scores = async (similarity_fn_name: string): Promise<number[]> => {
    const settings = jsonFiles({ 'config_sentence_transformers.json': { similarity_fn_name } });
    const similarity = await similarityOf(await cpuParts('bert/features', settings));
    return similarity({ sourceSentence, sentences });
  };
  const euclidean = await scores('euclidean');
  const manhattan = await scores('manhattan');
  for (const [i, row] of [1, 2].entries()) {
    expect(euclidean[i]).toBeCloseTo(-Math.hypot(...apart(row)), 5);
    expect(manhattan[i]).toBeCloseTo(-apart(row).reduce((sum, x) => sum + Math.abs(x), 0), 5);
  }
});

/** Drawn numbers as a stored tensor, and as they are. */
function drawn(random: Random, dtype: 'F16' | 'F32', ...shape: number[]): [StoredTensor, number[]] {
  const size = shape.reduce((product, n) => product * n, 1);
  const values = Float32Array.from({ length: size }, () => random.next() - 0.5);
  const halves = float32ToFloat16(values);
  const kept = dtype === 'F16' ? float16ToFloat32(halves) : values;
  const { buffer } = dtype === 'F16' ? halves : values;
  return [{ dtype, shape, bytes: new Uint8Array(buffer) }, [...kept]];
}

test('layers behind the pooling, what is kept of their vectors, and lengths of 1', async () => {
  const random = new Random(5);
  const [weight, w] = drawn(random, 'F16', 12, 16);
  const [bias, b] = drawn(random, 'F16', 12);
  const [residual, r] = drawn(random, 'F32', 12, 16);
  const [scale, g] = drawn(random, 'F32', 12);
  const [shift, h] = drawn(random, 'F32', 12);
  const dense = { in_features: 16, out_features: 12, use_residual: true };
  const settings = jsonFiles({
    'modules.json': modules('Transformer', 'Pooling', 'Dense', 'LayerNorm', 'Normalize'),
    '1_Pooling/config.json': { pooling_mode: 'mean' },
    '2_Dense/config.json': { ...dense, activation_function: 'torch.nn.modules.activation.GELU' },
    '3_LayerNorm/config.json': { dimension: 12 },
    'config_sentence_transformers.json': { truncate_dim: 5 },
  });
  const weights = {
    '2_Dense/model.safetensors': safetensorsFile({
      'linear.weight': weight,
      'linear.bias': bias,
      'residual.weight': residual,
    }),
    '3_LayerNorm/model.safetensors': safetensorsFile({ 'norm.weight': scale, 'norm.bias': shift }),
  };
  const embed = await embedderOf(await cpuParts('bert/features', { ...settings, ...weights }));
  const { data: mean } = await (await embedderOf(await cpuParts('bert/features')))(texts[1]!);
  const product = (matrix: number[], row: number): number =>
    mean.reduce((sum, x, i) => sum + matrix[16 * row + i]! * x, 0);
  const gelu = activationOf('torch.nn.GELU')!;
  const made = b.map((x, row) => gelu(product(w, row) + x) + product(r, row));
  const average = made.reduce((sum, x) => sum + x, 0) / 12;
  const variance = made.reduce((sum, x) => sum + (x - average) ** 2, 0) / 12;
  const layered = made.map((x, i) => ((x - average) / Math.sqrt(variance + 1e-5)) * g[i]! + h[i]!);
  const same = (got: Float32Array, wanted: number[]): void => {
    expect(got.length).toBe(wanted.length);
    wanted.forEach((x, i) => expect(got[i]).toBeCloseTo(x, 4));
  };
  const unit = (vector: number[]): number[] => vector.map((x) => x / Math.hypot(...vector));
  // The module brings the whole vector to length 1, the option what is kept of it.
  same((await embed(texts[1]!)).data, unit(layered).slice(0, 5));
  same((await embed(texts[1]!, { truncateDim: 12 })).data, unit(layered));
  same((await embed(texts[1]!, { normalize: true })).data, unit(layered.slice(0, 5)));
  same((await embed(texts[1]!, { normalize: false, truncateDim: 3 })).data, layered.slice(0, 3));
  await expectRejection(embed('x', { truncateDim: 0 }), 'OPTION_INVALID', 'truncateDim');
});

test.each([
  ['gpt2', 'GPT2Model'],
  ['bert/mlm', 'BertModel'],
])('%s gives its states alone', (name, wanted) =>
  withGpu(usual, async (gpu) => {
    const source = memorySource(await taskFiles(name));
    using embed = await pipeline('embeddings', source, { gpu });
    const { model } = embed;
    expect([model.config['architectures'], model.warnings]).toEqual([[wanted], []]);
    using whole = await loadModel(source, { gpu });
    const inputIds = [[3, 5, 8, 2]];
    const { logits, lastHiddenState } = await model.forward({ inputIds });
    expect(logits).toBeUndefined();
    expect(lastHiddenState).toEqual((await whole.forward({ inputIds })).lastHiddenState);
  }),
);

test('a Router has layers for each kind of text', async () => {
  const random = new Random(6);
  const [query, q] = drawn(random, 'F32', 4, 16);
  const [document, d] = drawn(random, 'F32', 4, 16);
  const dense = {
    in_features: 16,
    out_features: 4,
    bias: false,
    activation_function: 'torch.nn.modules.linear.Identity',
  };
  const type = 'sentence_transformers.models.Dense.Dense';
  const router = {
    types: { query_0_Dense: type, document_0_Dense: type },
    structure: { query: ['query_0_Dense'], document: ['document_0_Dense'] },
    parameters: { default_route: 'document', allow_empty_key: true },
  };
  const settings = (parameters: object) => ({
    ...jsonFiles({
      'modules.json': modules('Transformer', 'Pooling', 'Router'),
      '1_Pooling/config.json': { pooling_mode: 'mean' },
      '2_Router/router_config.json': { ...router, parameters },
      '2_Router/query_0_Dense/config.json': dense,
      '2_Router/document_0_Dense/config.json': dense,
      'config_sentence_transformers.json': { prompts: { query: 'good ' } },
    }),
    '2_Router/query_0_Dense/model.safetensors': safetensorsFile({ 'linear.weight': query }),
    '2_Router/document_0_Dense/model.safetensors': safetensorsFile({ 'linear.weight': document }),
  });
  const plain = await embedderOf(await cpuParts('bert/features'));
  const product = async (text: string, matrix: number[]): Promise<number[]> => {
    const { data } = await plain(text);
    return [0, 1, 2, 3].map((row) =>
      data.reduce((sum, x, i) => sum + matrix[16 * row + i]! * x, 0),
    );
  };
  const same = (got: Float32Array, wanted: number[]): void => {
    expect(got.length).toBe(wanted.length);
    wanted.forEach((x, i) => expect(got[i]).toBeCloseTo(x, 4));
  };
  const text = texts[1]!;
  const { parameters } = router;
  const embed = await embedderOf(await cpuParts('bert/features', settings(parameters)));
  same((await embed(text)).data, await product(text, d));
  same((await embed(text, { promptName: 'document' })).data, await product(text, d));
  same((await embed(text, { promptName: 'query' })).data, await product(`good ${text}`, q));
  const strict = await embedderOf(await cpuParts('bert/features', settings({})));
  await expectRejection(strict(text), 'OPTION_INVALID', 'query, document');
});

test('activations are those of torch', () => {
  // torch 2.13 in float64, at -4, -1.3, 0, 0.7 and 3.2.
  const wanted: Record<string, number[]> = {
    ELU: [-0.981684361111, -0.727468206966, 0, 0.7, 3.2],
    GELU: [-0.000126684967, -0.125840629961, 0, 0.530625443444, 3.197801158599],
    LeakyReLU: [-0.04, -0.013, 0, 0.7, 3.2],
    Mish: [-0.072591740792, -0.307382464749, 0, 0.561148377644, 3.190197731637],
    ReLU: [0, 0, 0, 0.7, 3.2],
    SiLU: [-0.071944839848, -0.278414522045, 0, 0.467731440518, 3.07466968705],
    Sigmoid: [0.017986209962, 0.214165016957, 0.5, 0.668187772168, 0.960834277203],
    Softplus: [0.018149927918, 0.241008453833, Math.LN2, 1.103186048885, 3.239953333162],
    Tanh: [-0.999329299739, -0.861723159313, 0, 0.604367777117, 0.99668239784],
    Identity: [-4, -1.3, 0, 0.7, 3.2],
  };
  expect(activationNames.toSorted()).toEqual(Object.keys(wanted).toSorted());
  for (const [name, values] of Object.entries(wanted)) {
    const activation = activationOf(`torch.nn.modules.activation.${name}`)!;
    [-4, -1.3, 0, 0.7, 3.2].forEach((x, i) => expect(activation(x)).toBeCloseTo(values[i]!, 11));
  }
  expect(activationOf('mine.GELU')).toBeUndefined();
});

test('a prompt that does not count is left out of the pooling', async () => {
  const settings = {
    'modules.json': modules('Transformer', 'Pooling'),
    '1_Pooling/config.json': { pooling_mode: ['cls', 'mean'], include_prompt: false },
  };
  const parts = await cpuParts('bert/features', jsonFiles(settings));
  const prompt = 'Marie ';
  const skipped = parts.tokenizer.encode(prompt).length - 1;
  const states = await featureExtraction(parts)(prompt + texts[1]!);
  const [rows] = nested(states) as [number[][]];
  const counted = rows.slice(skipped);
  const { data } = await (await embedderOf(parts))(texts[1]!, { prompt });
  for (let i = 0; i < 16; i++) {
    const sum = counted.reduce((total, row) => total + row[i]!, 0);
    expect(data[i]).toBeCloseTo(counted[0]![i]!, 6);
    expect(data[16 + i]).toBeCloseTo(sum / counted.length, 5);
  }
});

test('settings that are not computed are refused', async () => {
  const layer = modules('Transformer', 'Pooling', 'Dense');
  const refused: [Record<string, unknown>, string][] = [
    [{ 'modules.json': modules('Transformer', 'Pooling', 'CNN') }, 'CNN'],
    [
      {
        'modules.json': modules('Router', 'Pooling'),
        'router_config.json': { types: { a: 'models.Transformer' }, structure: { query: ['a'] } },
      },
      'models.Transformer',
    ],
    [
      { 'modules.json': layer, '2_Dense/config.json': { activation_function: 'my.Swish' } },
      'my.Swish',
    ],
    [
      { 'modules.json': layer, '2_Dense/config.json': { module_input_name: 'token_embeddings' } },
      'token_embeddings',
    ],
    [
      {
        'modules.json': modules('Transformer', 'Pooling'),
        '1_Pooling/config.json': { pooling_mode: 'attention' },
      },
      'attention',
    ],
    [{ 'config_sentence_transformers.json': { similarity_fn_name: 'maxsim' } }, 'maxsim'],
    [{ 'sentence_bert_config.json': { transformer_task: 'fill-mask' } }, 'fill-mask'],
    [{ 'sentence_bert_config.json': { model_args: { num_labels: 3 } } }, 'num_labels'],
    [
      {
        'sentence_bert_config.json': {
          modality_config: { text: { method: 'forward', method_output_name: 'pooler_output' } },
        },
      },
      'pooler_output',
    ],
  ];
  for (const [settings, part] of refused) {
    const parts = await cpuParts('bert/features', jsonFiles(settings));
    await expectRejection(() => embedderOf(parts), 'MODEL_UNSUPPORTED', part);
  }
});

test('the score of a cross-encoder is what its files say, the newest first', async () => {
  const identity = 'torch.nn.modules.linear.Identity';
  const tanh = 'torch.nn.modules.activation.Tanh';
  const note = (activation_fn: unknown): Record<string, unknown> => ({
    'config_sentence_transformers.json': { activation_fn },
  });
  const scores = async (settings: Record<string, unknown>, config = {}): Promise<number[]> => {
    const plain = await cpuParts('bert/rank', jsonFiles(settings));
    const parts = {
      ...plain,
      model: Object.assign(plain.model, { config: { ...plain.model.config, ...config } }),
    };
    const ranked = await (await rankingOf(plain.files, undefined))(parts)(texts[0]!, texts);
    return ranked.map(({ score }) => score);
  };
  const logits = await scores(note(identity));
  const mapped = (map: (x: number) => number): unknown =>
    logits.map((x) => expect.closeTo(map(x), 6) as unknown);
  expect(await scores({})).toEqual(mapped((x) => 1 / (1 + Math.exp(-x))));
  expect(await scores(note(tanh))).toEqual(mapped(Math.tanh));
  const section = { sentence_transformers: { activation_fn: identity } };
  expect(await scores({}, section)).toEqual(mapped((x) => x));
  expect(await scores(note(tanh), section)).toEqual(mapped(Math.tanh));
  const old = { sbert_ce_default_activation_function: identity };
  expect(await scores({}, old)).toEqual(mapped((x) => x));
  await expectRejection(scores(note('my.Swish')), 'MODEL_UNSUPPORTED', 'my.Swish');
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
