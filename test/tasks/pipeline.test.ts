// pipeline(): names of tasks, checkpoints of other tasks, options and inputs that do not fit.
import { expect, test } from 'vitest';
import { type ErrorCode, pipeline, type Pipelines } from 'webgpu-transformer';
import { fillMask } from '../../src/tasks/text/fill-mask.ts';
import { featureExtraction } from '../../src/tasks/text/feature-extraction.ts';
import { questionAnswering } from '../../src/tasks/text/question-answering.ts';
import { textClassification } from '../../src/tasks/text/text-classification.ts';
import { textRanking } from '../../src/tasks/text/text-ranking.ts';
import { tokenClassification } from '../../src/tasks/text/token-classification.ts';
import { zeroShotClassification } from '../../src/tasks/text/zero-shot-classification.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { memorySource } from '../support/source.ts';
import { cpuParts, taskFiles } from '../support/tasks.ts';

const [{ options: usual } = { options: {} }] = await testGpus();
const long = 'Marie Curie was born in Warsaw. '.repeat(20);

test('tasks there are not, and checkpoints of other tasks', () =>
  withGpu(usual, async (gpu) => {
    const source = memorySource(await taskFiles('bert/ner'));
    const load = (task: string): Promise<unknown> =>
      pipeline(task as keyof Pipelines, source, { gpu });
    await expectRejection(load('filmask'), 'OPTION_INVALID', '"filmask"', '"fill-mask"');
    await expectRejection(load('toString'), 'OPTION_INVALID', '"toString"', 'ner');
    const refused: [string, ...string[]][] = [
      ['fill-mask', 'ForMaskedLM'],
      ['sentiment-analysis', 'text-classification', 'ForSequenceClassification'],
      ['re-ranking', 'text-ranking'],
      ['question-answering', 'ForQuestionAnswering'],
      ['text-generation', 'ForCausalLM'],
      ['summarization', 'ForConditionalGeneration'],
      ['translation'],
      ['text2text-generation'],
      ['zero-shot-classification'],
    ];
    for (const [task, ...parts] of refused) {
      await expectRejection(
        load(task),
        'MODEL_UNSUPPORTED',
        'BertForTokenClassification',
        'It fits embeddings, feature-extraction, sentence-similarity, token-classification',
        ...parts,
      );
    }
    expect(gpu.memory).toMatchObject({ bytes: 0, buffers: 0 });
  }));

test('what does not fit is refused before weights are read', () =>
  withGpu(usual, async (gpu) => {
    const modules = [{ type: 'sentence_transformers.models.CNN', path: '2_CNN' }];
    const files = {
      ...(await taskFiles('bert/ner')),
      'modules.json': new TextEncoder().encode(JSON.stringify(modules)),
    };
    const read: string[] = [];
    const source = memorySource(files);
    const watched = {
      ...source,
      read: (...args: Parameters<typeof source.read>) => {
        read.push(args[0]);
        return source.read(...args);
      },
    };
    const load = (task: keyof Pipelines): Promise<unknown> => pipeline(task, watched, { gpu });
    await expectRejection(load('fill-mask'), 'MODEL_UNSUPPORTED');
    await expectRejection(load('embeddings'), 'MODEL_UNSUPPORTED', 'CNN');
    await expectRejection(load('sentence-similarity'), 'MODEL_UNSUPPORTED', 'CNN');
    expect(read).toContain('modules.json');
    expect(read.filter((file) => file.includes('safetensors'))).toEqual([]);
    expect(gpu.memory).toMatchObject({ bytes: 0, buffers: 0 });
  }));

test('a call that is aborted leaves the pipeline usable', () =>
  withGpu(usual, async (gpu) => {
    const source = memorySource(await taskFiles('bert/nli'));
    using classify = await pipeline('sentiment-analysis', source, { gpu });
    const texts = Array.from({ length: 12 }, (_, i) => 'good '.repeat(i + 1));
    const wanted = await classify(texts);
    const controller = new AbortController();
    const call = classify(texts, { signal: controller.signal });
    controller.abort();
    await expectRejection(call, 'ABORTED');
    await expectRejection(classify('good', { signal: AbortSignal.abort() }), 'ABORTED');
    expect(await classify(texts)).toEqual(wanted);
  }));

test('options of each task', async () => {
  const make = {
    'text-classification': textClassification(await cpuParts('bert/nli')),
    'zero-shot-classification': zeroShotClassification(await cpuParts('bert/nli')),
    'token-classification': tokenClassification(await cpuParts('bert/ner')),
    'question-answering': questionAnswering(await cpuParts('bert/qa')),
    'fill-mask': fillMask(await cpuParts('bert/mlm')),
    'feature-extraction': featureExtraction(await cpuParts('bert/features')),
    'text-ranking': textRanking(await cpuParts('bert/rank')),
  };
  const question = { question: 'Where?', context: 'In Warsaw.' };
  const refused: [keyof typeof make, unknown[], ErrorCode, ...string[]][] = [
    ['text-classification', ['Ada', { top_k: 2 }], 'OPTION_UNKNOWN', '"topK"'],
    ['text-classification', ['Ada', { topK: 0 }], 'OPTION_INVALID', 'topK is 0', 'null for all'],
    ['text-classification', ['Ada', { functionToApply: 'softmx' }], 'OPTION_INVALID', '"softmax"'],
    ['text-classification', [7], 'INPUT_INVALID', 'number', '{ text, textPair }'],
    ['text-classification', [['Ada', null]], 'INPUT_INVALID', 'null'],
    ['text-classification', [{ text: 'Ada', textPair: 3 }], 'INPUT_INVALID'],
    ['zero-shot-classification', ['Ada', []], 'INPUT_INVALID', 'candidateLabels'],
    ['zero-shot-classification', ['Ada', ' , '], 'INPUT_INVALID', 'candidateLabels'],
    ['zero-shot-classification', ['Ada', ['a', '']], 'INPUT_INVALID', 'candidateLabels'],
    ['zero-shot-classification', ['Ada', ['a'], { multi_label: true }], 'OPTION_UNKNOWN'],
    [
      'zero-shot-classification',
      ['Ada', ['a'], { hypothesisTemplate: 'It is.' }],
      'OPTION_INVALID',
      '{}',
    ],
    [
      'token-classification',
      ['Ada', { aggregationStrategy: 'avg' }],
      'OPTION_INVALID',
      'none, simple, first, average, max',
    ],
    ['token-classification', ['Ada', { ignoreLabels: 'O' }], 'OPTION_INVALID', 'array of strings'],
    ['token-classification', [3], 'INPUT_INVALID', 'number'],
    ['question-answering', [question, { topk: 2 }], 'OPTION_UNKNOWN', '"topK"'],
    ['question-answering', [question, { maxSeqLength: 900 }], 'OPTION_INVALID', '900', '48'],
    ['question-answering', [{ question: 'Where?' }], 'INPUT_INVALID', 'context'],
    ['question-answering', [{ question: ' ', context: 'a' }], 'INPUT_INVALID', 'question is empty'],
    ['question-answering', ['Where?'], 'INPUT_INVALID', 'question'],
    ['fill-mask', ['No gap.'], 'INPUT_INVALID', '[MASK]'],
    [
      'fill-mask',
      ['A [MASK]', { targets: 'discovery' }],
      'OPTION_INVALID',
      '"discovery"',
      'tokens',
    ],
    ['fill-mask', ['A [MASK]', { targets: [] }], 'OPTION_INVALID', 'targets'],
    ['feature-extraction', ['Ada', { pooling: 'average' }], 'OPTION_INVALID', 'mean'],
    ['feature-extraction', ['Ada', { normalise: true }], 'OPTION_UNKNOWN', '"normalize"'],
    ['text-ranking', ['Ada', ['a'], { topK: 1.5 }], 'OPTION_INVALID', '1.5'],
    ['text-ranking', ['Ada', ['a', 3]], 'INPUT_INVALID', 'document'],
  ];
  for (const [task, args, code, ...parts] of refused) {
    const run = make[task] as (...given: unknown[]) => Promise<unknown>;
    await expectRejection(() => run(...args), code, ...parts);
  }
});

test('heads that a task cannot read', async () => {
  const many = textRanking(await cpuParts('bert/nli'));
  await expectRejection(many('Where?', ['a']), 'MODEL_UNSUPPORTED', '3 labels');
  const unlabelled = await cpuParts('bert/multi');
  await expectRejection(() => zeroShotClassification(unlabelled), 'MODEL_UNSUPPORTED', 'LABEL_0');
  const features = textClassification(await cpuParts('bert/features'));
  await expectRejection(features('Ada'), 'MODEL_UNSUPPORTED', 'logits', 'text-classification');
});

test('texts too long for the model are never cut unasked', async () => {
  const classify = textClassification(await cpuParts('bert/nli'));
  await expect(classify(long)).rejects.toThrow('tokens are too many');
  const [cut] = await classify(long, { truncation: true });
  expect(cut!.score).toBeGreaterThan(0);
  const find = tokenClassification(await cpuParts('bert/ner'));
  await expect(find(long)).rejects.toThrow('tokens are too many');
  const found = await find(long, { stride: 10, aggregationStrategy: 'simple' });
  expect(found.at(-1)!.end).toBeGreaterThan(long.length - 40);
  const ends = found.map(({ start, end }) => [start, end]);
  expect(ends).toEqual(ends.toSorted(([a], [b]) => a! - b!));
});
