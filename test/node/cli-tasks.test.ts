// The commands of tasks, and info, as users run them, against what Hugging Face gives.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, expect, test, vi } from 'vitest';
import { loadModel, pipeline } from 'webgpu-transformer';
import { loadLora, Lora, withAdapters } from 'webgpu-transformer/training';
import { safetensors, type StoredValues } from '../../src/source/safetensors-writer.ts';
import {
  buildCommand,
  expectRefusal,
  feed,
  jsonLines,
  output,
  root,
  run,
  taskFolder,
} from '../support/cli.ts';
import { halfTensors } from '../support/cpu-encoder.ts';
import { fill } from '../support/lora.ts';
import { expectAlike, expectedResult, taskFiles } from '../support/tasks.ts';
import { webFolder } from '../support/web.ts';

// Several processes a test, each of which opens a device.
vi.setConfig({ testTimeout: 300_000 });
beforeAll(buildCommand);

const nli = await taskFolder('bert/nli');
const qa = await taskFolder('bert/qa');
const marie = 'Marie Curie was born in Warsaw.';
const film = 'The ending of the film was terrible, but the river was good!';
const ada = "Ada 😀 Lovelace lived in Łondon — it's là.";

/** What results in f32 may be off: 2e-5 of themselves, and of the largest of a vector, about 3. */
const slack = { relative: 2e-5, absolute: 1e-9 };
const vectorSlack = { relative: 2e-5, absolute: 6e-5 };

interface LabelScore {
  readonly label: string;
  readonly score: number;
}

interface Filled {
  readonly tokenStr: string;
  readonly score: number;
}

interface Entity {
  readonly word: string;
  readonly entityGroup: string;
  readonly score: number;
}

/** Labels and scores as they are printed. */
function line(scores: readonly LabelScore[]): string {
  return `${scores.map(({ label, score }) => `${label}\t${score.toFixed(4)}`).join('\t')}\n`;
}

test('classify prints the labels of each text', async () => {
  const wanted = (await expectedResult('bert/nli', 'text-classification', [marie, film], {
    topK: 2,
  })) as LabelScore[][];
  const [first = [], second = []] = wanted;
  expect(await output('classify', nli, marie, film)).toBe(
    line(first.slice(0, 1)) + line(second.slice(0, 1)),
  );
  expect(await output('classify', nli, marie, film, '--top-k', '2')).toBe(
    line(first) + line(second),
  );
  // An empty line is a text as well, so that lines out are lines in.
  const { stdout } = await feed(`${marie}\n\n${film}\n`, 'classify', nli, '--top-k', '2', '--json');
  const results = jsonLines(stdout);
  expect(results).toHaveLength(3);
  expectAlike(results[0], { text: marie, labels: first }, slack, 'first');
  expectAlike(results[2], { text: film, labels: second }, slack, 'third');
});

test('classify cuts long texts when it is told to', async () => {
  const long = `${marie} `.repeat(20);
  expectRefusal(await run('classify', nli, long), 'positions');
  expect(await output('classify', nli, long, '--truncate')).toMatch(/^\w+\t0\.\d{4}\n$/);
  const both = await run('classify', nli, long, '--truncate', '--labels', 'a,b');
  expectRefusal(both, '--truncate changes nothing');
});

test('classify takes labels that nobody trained', async () => {
  const labels = ['travel', 'science', 'sports'];
  const result = (await expectedResult('bert/nli', 'zero-shot-classification', marie, labels)) as {
    labels: string[];
    scores: number[];
  };
  const args = ['classify', nli, marie, '--labels', 'travel, science,sports'];
  const pairs = result.labels.map((label, i) => ({ label, score: result.scores[i]! }));
  expect(await output(...args)).toBe(line(pairs));
  expect(await output(...args, '--top-k', '1')).toBe(line(pairs.slice(0, 1)));
  const json = jsonLines(await output(...args, '--json'));
  expectAlike(json, [{ text: marie, labels: pairs }], slack, 'labels');
});

test('embed prints a vector a line', async () => {
  const texts = [marie, ada, film];
  const options = { pooling: 'mean', normalize: false };
  const features = await expectedResult('bert/features', 'feature-extraction', texts, options);
  const folder = await taskFolder('bert/features');
  expectAlike(jsonLines(await output('embed', folder, ...texts)), features, vectorSlack, 'vectors');
  const { stdout } = await feed(texts.join('\n'), 'embed', folder, '--json');
  const wanted = texts.map((text, i) => ({ text, embedding: (features as number[][])[i] }));
  expectAlike(jsonLines(stdout), wanted, vectorSlack, 'objects');
});

test('weights are stored as --dtype says', async () => {
  // The tensors in f32, each a little off from what f16 can hold.
  const half = await taskFiles('bert/features');
  const tensors = new Map<string, StoredValues>();
  for (const [name, rows] of halfTensors([half['base.safetensors']!])) {
    const data = Float32Array.from(
      rows.flatMap((row) => Array.from(row, (x) => x * (1 + 2 ** -13))),
    );
    const width = rows[0]!.length;
    tensors.set(name, { shape: rows.length === 1 ? [width] : [rows.length, width], data });
  }
  const folder = await taskFolder('bert/features', {
    'base.safetensors': safetensors(tensors),
  });
  const [stored, whole, halved] = await Promise.all(
    [[], ['--dtype', 'f32'], ['--dtype', 'f16']].map((args) =>
      output('embed', folder, film, ...args),
    ),
  );
  expect(whole).toBe(stored);
  expect(halved).not.toBe(stored);
});

test('ask answers from a text', async () => {
  const question = 'Where was she born?';
  const asked = { question, context: marie };
  const answers = (await expectedResult('bert/qa', 'question-answering', asked, { topK: 4 })) as {
    answer: string;
    score: number;
  }[];
  const print = (count: number): string =>
    answers
      .slice(0, count)
      .map(({ answer, score }) => `${answer}\t${score.toFixed(4)}\n`)
      .join('');
  const args = ['ask', qa, '--question', question];
  expect((await feed(marie, ...args)).stdout).toBe(print(1));
  expect((await feed(marie, ...args, '--top-k', '4')).stdout).toBe(print(4));
  const json = await feed(marie, ...args, '--question', 'Who?', '--json');
  const [first, second, ...rest] = jsonLines(json.stdout) as { question: string }[];
  expectAlike(first, { question, ...answers[0] }, slack, 'answer');
  expect([second?.question, rest]).toEqual(['Who?', []]);
  expect(await output(...args, marie)).toBe(print(1));
  expectRefusal(await feed(marie, 'ask', qa), '--question');
  expectRefusal(await feed(' ', ...args), 'There is no text');
});

test('fill-mask prints what fits the gaps', async () => {
  const folder = await taskFolder('bert/mlm');
  const [one, two] = ['The capital of [MASK] is Paris.', "[MASK] wrote the [MASK], it's good."];
  const wanted = (await expectedResult('bert/mlm', 'fill-mask', one)) as Filled[];
  const gaps = (await expectedResult('bert/mlm', 'fill-mask', two, { topK: 2 })) as Filled[][];
  const print = (fillings: readonly Filled[]): string =>
    line(fillings.map(({ tokenStr, score }) => ({ label: tokenStr, score })));
  expect(await output('fill-mask', folder, one)).toBe(print(wanted));
  // A line a gap.
  const twice = ['fill-mask', folder, two, '--top-k', '2'];
  expect(await output(...twice)).toBe(gaps.map(print).join(''));
  expectAlike(jsonLines(await output(...twice, '--json')), [{ text: two, gaps }], slack, 'gaps');
  const targets = { targets: ['the', 'in', 'was'] };
  const among = (await expectedResult('bert/mlm', 'fill-mask', one, targets)) as Filled[];
  const { stdout } = await feed(one, 'fill-mask', folder, '--targets', 'the,in,was', '--json');
  expectAlike(jsonLines(stdout), [{ text: one, gaps: [among] }], slack, 'targets');
});

test('ner prints the names in each text', async () => {
  const folder = await taskFolder('bert/ner');
  const find = async (text: string, aggregationStrategy: string): Promise<Entity[]> =>
    (await expectedResult('bert/ner', 'token-classification', text, {
      aggregationStrategy,
    })) as Entity[];
  const print = (entities: readonly Entity[]): string => {
    const fields = entities.flatMap(({ word, entityGroup, score }) => [
      word,
      entityGroup,
      score.toFixed(4),
    ]);
    return `${fields.join('\t')}\n`;
  };
  const { stdout } = await feed(`${marie}\n${ada}`, 'ner', folder);
  expect(stdout).toBe(print(await find(marie, 'simple')) + print(await find(ada, 'simple')));
  const json = await output('ner', folder, ada, '--aggregation', 'first', '--json');
  const entities = await find(ada, 'first');
  expectAlike(jsonLines(json), [{ text: ada, entities }], slack, 'entities');
  expectRefusal(
    await run('ner', folder, ada, '--aggregation', 'none'),
    '"none"',
    'simple or first',
  );
});

test('similarity and rank compare texts', async () => {
  const features = await taskFolder('bert/features');
  const compared = [ada, film];
  using compare = await pipeline('sentence-similarity', features);
  const scores = await compare({ sourceSentence: marie, sentences: compared });
  const near = compared.map((text, i) => ({ text, score: scores[i]! }));
  const print = (found: readonly { text: string; score: number }[]): string =>
    found.map(({ text, score }) => `${score.toFixed(4)}\t${text}\n`).join('');
  expect(await output('similarity', features, marie, ...compared)).toBe(print(near));
  const { stdout } = await feed(compared.join('\n'), 'similarity', features, marie, '--json');
  expectAlike(jsonLines(stdout), near, slack, 'similarity');
  expectRefusal(await run('similarity', features), 'no text to compare');

  const folder = await taskFolder('bert/rank');
  using order = await pipeline('text-ranking', folder);
  const ranked = await order('Where was she born?', [marie, ...compared]);
  const asked = ['rank', folder, 'Where was she born?'];
  expect(await output(...asked, marie, ...compared)).toBe(print(ranked));
  const best = await feed([marie, ...compared].join('\n'), ...asked, '--top-k', '2', '--json');
  expectAlike(jsonLines(best.stdout), ranked.slice(0, 2), slack, 'ranking');
  const prompt = 'Read well: ';
  const told = await order('Where was she born?', [marie, ...compared], { prompt });
  expect(told).not.toEqual(ranked);
  expect(await output(...asked, marie, ...compared, '--prompt', prompt)).toBe(print(told));
  expectRefusal(await run('rank', folder), 'no query');
});

test('an adapter beside the weights, as training saves it', async () => {
  const folder = await taskFolder('gpt2');
  const saved = path.join(folder, 'adapter');
  {
    using model = await loadModel(folder);
    using lora = new Lora(model, { rank: 2, targets: '*.c_attn' });
    await fill(model.gpu, lora, 6);
    await mkdir(saved, { recursive: true });
    await lora.save(saved);
  }
  const asked = ['generate', folder, 'Marie', '--max-new-tokens', '6', '--quiet'];
  const plain = await output(...asked);
  const tuned = await output(...asked, '--adapter', saved);
  expect(tuned).not.toBe(plain);
  using model = await loadModel(folder);
  using lora = await loadLora(model, saved);
  using generate = await pipeline('text-generation', folder, { model: withAdapters(model, lora) });
  const [{ generatedText } = { generatedText: '' }] = await generate('Marie', { maxNewTokens: 6 });
  expect(tuned.trim()).toBe(generatedText.slice('Marie'.length).trim());
  expectRefusal(await run('generate', folder, 'a', '--adapter', folder), 'adapter_config.json');
});

test('summarize takes all of stdin as one text', async () => {
  const bart = path.join(root, 'test', 'fixtures', 'bart');
  const phrases = path.join(root, 'models', 'phrases');
  using shorten = await pipeline('summarization', phrases);
  for (const text of ['>>fr<<in 3\ndays', '>>fr<<in 3 days']) {
    const [{ summaryText } = { summaryText: '' }] = await shorten(text);
    const { stdout } = await feed(`${text}\n`, 'summarize', phrases, '--json');
    expect(jsonLines(stdout)).toEqual([{ text, summaryText }]);
  }
  const long = await output('summarize', phrases, '>>fr<<in 3 days');
  const short = await output('summarize', phrases, '>>fr<<in 3 days', '--max-new-tokens', '1');
  expect([long, short]).toEqual(['dans 3 jours\n', 'd\n']);
  expectRefusal(await run('summarize', bart), 'There is no text');
});

test('info tells tasks, sizes and what is missing', async () => {
  const told = await output('info', nli);
  expect(told).toMatch(/^architecture +BertForSequenceClassification$/m);
  expect(told).toMatch(/^head +sequence classification$/m);
  expect(told).toMatch(/^labels +3: contradiction, neutral, entailment$/m);
  expect(told).toMatch(/^tasks +.*text-classification, zero-shot-classification$/m);
  expect(told).toMatch(/^runs +yes$/m);
  expect(told).toMatch(/^parameters +8,275 in 41 tensors$/m);
  expect(told).toMatch(/^vocabulary +200 tokens$/m);
  expect(told).toMatch(/^positions +48$/m);
  expect(told).toMatch(/^stored as +41 × F16, 0\.02 MB$/m);
  // 4 bytes a parameter; of those of matrices 2, or whole blocks, which are longer than these rows.
  const sizes =
    '0.02 MB as stored, 0.03 MB as f32, 0.02 MB as f16, 0.03 MB as int8, 0.02 MB as int4';
  expect(told).toMatch(new RegExp(`^on the GPU +${sizes.replaceAll('.', '\\.')}$`, 'm'));
  const [json] = jsonLines(await output('info', nli, '--json')) as Record<string, unknown>[];
  expect(json).toMatchObject({ parameters: 8275, positions: 48, gpuBytes: { f32: 4 * 8275 } });

  const config = { model_type: 'bert', architectures: ['BertForSequenceClassification'] };
  const incomplete = await taskFolder('bert/nli', {
    'config.json': new TextEncoder().encode(JSON.stringify(config)),
  });
  expect(await output('info', incomplete)).toMatch(/^runs +no: .*"hidden_size"/m);
});

test('a file in GGUF is told of, and gone on from', async () => {
  const file = path.join(root, 'test/fixtures/gguf/llama_bpe.gguf');
  const told = await output('info', file);
  expect(told).toMatch(/^architecture +LlamaForCausalLM$/m);
  expect(told).toMatch(/^runs +yes$/m);
  expect(told).toMatch(/^stored as +10 × F16, 19 × F32, 6 × BF16, 0\.07 MB$/m);
  const blocks = await output('info', file.replace('llama_bpe', 'llama_k'));
  expect(blocks).toMatch(/^stored as .*3 × Q6_K/m);
  const text = await output('generate', file, 'Hello', '--max-new-tokens', '3');
  expect(text.length).toBeGreaterThan(1);
});

test('models come from addresses as well', async () => {
  const folder = webFolder();
  const files = await taskFiles('bert/nli');
  // Without headers that tell one version from another nothing is kept.
  for (const [name, bytes] of Object.entries(files)) await folder.put(name, bytes, {});
  expect(await output('classify', folder.url, marie)).toBe(await output('classify', nli, marie));
  expect(await output('info', folder.url)).toBe(await output('info', nli));
});

test('commands refuse what they cannot do', async () => {
  expectRefusal(await run('classify', nli), 'There is no text');
  expectRefusal(await run('embed'), 'No model is named', 'embed SOURCE');
  expectRefusal(await run('classify', qa, marie), 'BertForQuestionAnswering', 'question-answering');
  expectRefusal(await run('classify', nli, marie, '--topk', '3'), "'--topk'", '"--top-k"');
  expectRefusal(await run('classify', nli, marie, '--top-k', '0'), '--top-k', 'at least 1');
  expectRefusal(await run('embed', nli, marie, '--dtype', 'f64'), '"f64"', 'f32 or f16');
  expectRefusal(await run('info', nli, nli), 'info SOURCE');
});
