// Heads for other labels. What is new in each class is what transformers 5.24 reports as missing or mismatched of
// from_pretrained(…, num_labels=5, ignore_mismatched_sizes=True).
import {
  type DenseTensor,
  type ErrorCode,
  loadModel,
  type Model,
  type ModelInputs,
  type NewHead,
} from 'webgpu-transformer';
import { Trainer } from 'webgpu-transformer/training';
import { expect, test } from 'vitest';
import { readParameters } from '../../src/model/weights/read-parameters.ts';
import { sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import {
  fixtureFiles,
  fixtureSource,
  memorySource,
  readValues,
  withFields,
} from '../support/source.ts';
import { MemoryTarget } from '../support/training.ts';
import { readFixture } from '../support/fixture.ts';

const onGpu = sharedGpu();
const labels = ['ant', 'bee', 'cat', 'dog', 'elk'];
const pair = (name: string): string[] => [`${name}.weight`, `${name}.bias`];

test.each<[fixture: string, className: string, names: string[], of?: NewHead['of']]>([
  ['vit', 'ViTForImageClassification', pair('classifier')],
  [
    'bert_mlm',
    'BertForSequenceClassification',
    [...pair('bert.pooler.dense'), ...pair('classifier')],
  ],
  ['bert_mlm', 'BertForTokenClassification', pair('classifier'), 'token'],
  [
    'variants/yolos_labels',
    'YolosForObjectDetection',
    pair('class_labels_classifier.layers.2'),
    'object',
  ],
  [
    'variants/yolos_model',
    'YolosForObjectDetection',
    ['class_labels_classifier', 'bbox_predictor'].flatMap((name) =>
      [0, 1, 2].flatMap((layer) => pair(`${name}.layers.${layer}`)),
    ),
    'object',
  ],
  ['distilbert_seqcls', 'DistilBertForSequenceClassification', pair('classifier')],
  ['variants/gpt2_model', 'GPT2ForSequenceClassification', ['score.weight']],
  [
    'variants/wav2vec2_ctc',
    'Wav2Vec2ForSequenceClassification',
    [...pair('projector'), ...pair('classifier')],
  ],
  ['variants/clip_pairs', 'CLIPForImageClassification', pair('classifier')],
  ['variants/deit_teacher', 'DeiTForImageClassification', pair('classifier')],
  [
    'variants/deberta_mlm',
    'DebertaForSequenceClassification',
    [...pair('pooler.dense'), ...pair('classifier')],
  ],
  ['variants/modernbert_mlm', 'ModernBertForSequenceClassification', pair('classifier')],
  [
    'bart',
    'BartForSequenceClassification',
    [...pair('classification_head.dense'), ...pair('classification_head.out_proj')],
  ],
  [
    'roberta_base',
    'RobertaForSequenceClassification',
    [...pair('classifier.dense'), ...pair('classifier.out_proj')],
  ],
])('%s as %s', async (fixture, className, names, of) => {
  const stored = readValues(await readFixture(`${fixture}/model.safetensors`));
  const drawn = async (seed: number): Promise<Map<string, number[]>> => {
    const found = new Map<string, number[]>();
    await onGpu(async (gpu) => {
      const head = { labels, seed, ...(of && { of }) };
      using model = await loadModel(fixtureSource(fixture), { gpu, training: true, head });
      expect(model.config).toMatchObject({
        architectures: [className],
        id2label: { 0: 'ant', 4: 'elk' },
        label2id: { ant: 0, elk: 4 },
      });
      const told = model.warnings.find((text) => text.startsWith('New, and to be trained'));
      expect((told?.match(/"[^"]+"/g) ?? []).toSorted()).toEqual(
        names.map((name) => `"${name}"`).toSorted(),
      );
      const trainer = new Trainer(model, { learningRate: 1 });
      for (const [name, { data }] of await readParameters(gpu, trainer.state.parameters)) {
        if (names.includes(name)) found.set(name, [...data]);
        else expect(data).toEqual(stored.get(name)?.data ?? data);
      }
      trainer.dispose();
    });
    return found;
  };
  const [one, again, other] = [await drawn(1), await drawn(1), await drawn(2)];
  expect([...one.keys()].toSorted()).toEqual(names.toSorted());
  expect(again).toEqual(one);
  for (const [name, values] of one) {
    if (name.endsWith('bias')) {
      expect(values).toEqual(values.map(() => 0));
      continue;
    }
    expect(other.get(name)).not.toEqual(values);
    // The fixtures draw their weights wider than initializer_range says, which new ones heed.
    const deviation = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
    expect(deviation).toBeGreaterThan(0.01);
    expect(deviation).toBeLessThan(0.03);
  }
});

test('a model learns three labels in place of seven, and keeps their names', async () => {
  const head = { labels: ['dark', 'grey', 'light'] };
  const pixels = (shade: number): number[] => Array<number>(3 * 24 * 24).fill(shade);
  const shades = [-1, 0, 1];
  const pixelValues = {
    data: Float32Array.from(shades.flatMap(pixels)),
    shape: [3, 3, 24, 24],
  };
  const batch: ModelInputs = { pixelValues, labels: [0, 1, 2] };
  await onGpu(async (gpu) => {
    const target = new MemoryTarget();
    using model = await loadModel(fixtureSource('vit'), { gpu, training: true, head });
    using trainer = new Trainer(model, { learningRate: 3e-3 });
    let last = Infinity;
    const steps = trainer.steps(() => batch, { maxSteps: 40 });
    for await (const { loss } of steps) last = loss;
    expect(last).toBeLessThan(0.3);
    await trainer.saveModel(target);
    using saved = await loadModel(target.source, { gpu });
    expect(saved.config['id2label']).toEqual({ 0: 'dark', 1: 'grey', 2: 'light' });
    expect(saved.warnings).toEqual([]);
    const logitsOf = async (some: Model): Promise<DenseTensor> => {
      const { logits } = await some.forward({ pixelValues });
      if (logits === undefined) throw new Error('no logits');
      return logits;
    };
    const logits = await logitsOf(saved);
    expect(logits.shape).toEqual([3, 3]);
    expect(logits.data).toEqual((await logitsOf(model)).data);
    // As many labels, by other names: the head fits them, and stays.
    const renamed = { labels: ['schwarz', 'grau', 'weiß'] };
    using other = await loadModel(target.source, { gpu, head: renamed });
    expect(other.warnings).toEqual([]);
    expect(other.config['label2id']).toEqual({ schwarz: 0, grau: 1, weiß: 2 });
    expect((await logitsOf(other)).data).toEqual(logits.data);
  });
});

test('flags and numbers have heads of their own', async () => {
  await onGpu(async (gpu) => {
    const lossOf = async (head: NewHead, own: number[][]): Promise<number> => {
      using model = await loadModel(fixtureSource('bert_mlm'), { gpu, head });
      const { loss } = await model.forward({ inputIds: [[1, 2, 3]], labels: own });
      return loss?.data[0] ?? NaN;
    };
    const problemType = 'multi_label_classification';
    // Logits that are nearly 0: a flag costs log 2, a number its square.
    const flags = [[0, 1, 1, 0, 1]];
    expect(Math.abs((await lossOf({ labels, problemType }, flags)) - Math.LN2)).toBeLessThan(0.2);
    expect(Math.abs((await lossOf({ labels: ['score'] }, [[3]])) - 9)).toBeLessThan(1);
  });
});

test.each<[head: unknown, code: ErrorCode, part: string]>([
  [{}, 'OPTION_INVALID', 'labels of head is null; wanted a list of names, no two alike.'],
  [{ labels: [] }, 'OPTION_INVALID', 'a list of names, no two alike'],
  [{ labels: ['a', 'a'] }, 'OPTION_INVALID', 'no two alike'],
  [{ labels: ['a', ' '] }, 'OPTION_INVALID', 'a list of names'],
  [{ labels: Array(2) }, 'OPTION_INVALID', 'labels of head is [null,null]'],
  [{ labels, names: [] }, 'OPTION_UNKNOWN', 'names'],
  [{ labels, of: 'text' }, 'OPTION_INVALID', "'sequence', 'token' or 'object'"],
  [{ labels, of: 'toString' }, 'OPTION_INVALID', "'sequence', 'token' or 'object'"],
  [{ labels, of: 'object' }, 'MODEL_UNSUPPORTED', '"vit" has no classifier of objects'],
  [{ labels, of: 'token' }, 'MODEL_UNSUPPORTED', '"vit" has no classifier of tokens'],
  [{ labels, seed: 0.5 }, 'OPTION_INVALID', 'seed of head is 0.5'],
  [{ labels, problemType: 'ranking' }, 'OPTION_INVALID', 'problemType of head is "ranking"'],
  [{ labels, of: 'token', problemType: 'regression' }, 'OPTION_INVALID', 'as tokens have classes'],
  ['cats', 'INPUT_INVALID', 'head'],
])('head: %o is refused', async (head, code, part) => {
  await onGpu(async (gpu) => {
    const options = { gpu, head: head as NewHead };
    await expectRejection(loadModel(fixtureSource('vit'), options), code, part);
  });
});

test('models without a place for labels, and bodies that lack a layer, are refused', async () => {
  const head = { labels };
  const files = await fixtureFiles('vit', ['config.json', 'model.safetensors']);
  const config = withFields(files['config.json'], { num_hidden_layers: 3 });
  const deeper = memorySource({ ...files, 'config.json': config });
  await onGpu(async (gpu) => {
    const texts = loadModel(fixtureSource('variants/clip_text'), { gpu, head });
    await expectRejection(
      texts,
      'MODEL_UNSUPPORTED',
      '"clip_text_model" has no classifier of sequ',
    );
    const loading = loadModel(deeper, { gpu, head });
    await expectRejection(loading, 'TENSOR_MISSING', 'vit.encoder.layer.2.');
  });
});
