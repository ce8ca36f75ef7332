// Images and labels that nobody trained, by CLIP and SigLIP, beside Hugging Face's pipelines; their tokenizers.
import { expect, test, vi } from 'vitest';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { type Gpu, pipeline, type Pipelines } from 'webgpu-transformer';
import { readFixture, readFixtureJson } from '../support/fixture.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { type Files, fixtureFiles, memorySource, withFields } from '../support/source.ts';

interface Label {
  readonly label: string;
  readonly score: number;
}

interface Call {
  readonly model: string;
  readonly images: readonly string[];
  readonly labels: readonly string[];
  readonly options: { readonly hypothesisTemplate?: string };
  readonly expected: readonly Label[] | readonly (readonly Label[])[];
}

interface Texts {
  readonly texts: readonly string[];
  readonly ids: readonly (readonly number[])[];
  readonly decoded: readonly string[];
}

interface Expected {
  readonly calls: readonly Call[];
  readonly clip: Texts;
  readonly siglip: Texts;
}

const [device] = await testGpus();
const expected = (await readFixtureJson('tasks/texts-and-images.json')) as Expected;

const names = [
  'config.json',
  'model.safetensors',
  'preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
];

/** The files of `clip` or `siglip`; "with a mask": as if its texts were told from what fills them. */
async function filesOf(model: string): Promise<Files> {
  const [folder = '', ...changes] = model.split(' ');
  const files = await fixtureFiles(`tasks/${folder}`, names);
  if (changes.length === 0) return files;
  const config = withFields(files['tokenizer_config.json'], { model_input_names: undefined });
  return { ...files, 'tokenizer_config.json': config };
}

async function open<Name extends keyof Pipelines>(
  task: Name,
  model: string,
  gpu: Gpu,
): Promise<Pipelines[Name]> {
  return pipeline(task, memorySource(await filesOf(model)), { gpu });
}

function expectLabels(got: readonly Label[], wanted: readonly Label[]): void {
  expect(got.map(({ label }) => label)).toEqual(wanted.map(({ label }) => label));
  got.forEach(({ score }, i) => expect(score).toBeCloseTo(wanted[i]!.score, 5));
}

test.each(['clip', 'siglip', 'siglip with a mask'])('%s', (model) =>
  withGpu(device!.options, async (gpu) => {
    using classify = await open('zero-shot-image-classification', model, gpu);
    const calls = expected.calls.filter((call) => call.model === model);
    expect(calls).not.toEqual([]);
    for (const { images, labels, options, expected: wanted } of calls) {
      const files = await Promise.all(images.map((name) => readFixture(`processors/${name}`)));
      const [first, ...others] = files;
      if (others.length === 0) {
        expectLabels(await classify(first!, labels, options), wanted as readonly Label[]);
        continue;
      }
      const all = await classify(files, labels, options);
      all.forEach((got, i) => expectLabels(got, wanted[i] as readonly Label[]));
    }
  }),
);

test('many labels go in parts', () =>
  withGpu(device!.options, async (gpu) => {
    using classify = await open('zero-shot-image-classification', 'siglip', gpu);
    const image = await readFixture('processors/odd.png');
    const [few] = expected.calls.filter(({ model }) => model === 'siglip');
    const fillers = Array.from({ length: 150 }, (_, i) => `${i} cats`);
    const found = await classify(image, [...few!.labels, ...fillers]);
    expect(found).toHaveLength(156);
    const own = found.filter(({ label }) => few!.labels.includes(label));
    expectLabels(own, few!.expected[0] as readonly Label[]);
  }));

test('texts are read once for many images', () =>
  withGpu(device!.options, async (gpu) => {
    using classify = await open('zero-shot-image-classification', 'clip', gpu);
    const image = await readFixture('processors/odd.png');
    const forward = vi.spyOn(classify.model, 'forward');
    const all = await classify(Array<typeof image>(9).fill(image), ['a cat', 'a dog']);
    expect(forward.mock.calls.map(([inputs]) => Object.keys(inputs))).toEqual([
      ['inputIds', 'attentionMask'],
      ['pixelValues', 'textEmbeds'],
      ['pixelValues', 'textEmbeds'],
    ]);
    for (const labels of all) expectLabels(labels, all[0]!);
  }));

test('features of both are the vectors that are compared', () =>
  withGpu(device!.options, async (gpu) => {
    const image = await readFixture('processors/odd.png');
    using see = await open('image-feature-extraction', 'clip', gpu);
    using read = await open('feature-extraction', 'clip', gpu);
    const [seen, pooled] = [await see(image), await see(image, { pool: true })];
    const [told, other] = await read(['a cat', 'a dog in the snow']);
    for (const vector of [seen, pooled, told!, other!]) {
      expect(vector.shape).toEqual([1, 12]);
      expect(vector.data.reduce((sum, x) => sum + x * x, 0)).toBeCloseTo(1, 5);
    }
    const { pixelValues } = await see.imageProcessor.process(gpu, image);
    const inputIds = [read.tokenizer.encode('a cat')];
    const { logitsPerImage } = await see.model.forward({ inputIds, pixelValues });
    const cosine = told!.data.reduce((sum, x, i) => sum + x * seen.data[i]!, 0);
    expect(logitsPerImage!.data[0]! / Math.exp(2.3)).toBeCloseTo(cosine, 3);
  }));

test('what is no label and no sentence is refused', () =>
  withGpu(device!.options, async (gpu) => {
    using classify = await open('zero-shot-image-classification', 'clip', gpu);
    const image = await readFixture('processors/odd.png');
    await expectRejection(classify(image, []), 'INPUT_INVALID', 'candidateLabels');
    const options = { hypothesisTemplate: 'nothing' };
    await expectRejection(classify(image, ['a'], options), 'OPTION_INVALID', '{}');
    await expectRejection(classify(image, ['cat '.repeat(90)]), 'INPUT_INVALID', '77 positions');
    const other = open('zero-shot-image-classification', 'siglip', gpu);
    using _ = await other;
    const files = await filesOf('clip');
    const config = { architectures: ['CLIPForImageClassification'] };
    const source = { ...files, 'config.json': withFields(files['config.json'], config) };
    const wrong = pipeline('zero-shot-image-classification', memorySource(source), { gpu });
    await expectRejection(wrong, 'MODEL_UNSUPPORTED', 'CLIPModel');
  }));

test.each(['clip', 'siglip'] as const)('tokens of %s', async (model) => {
  const tokenizer = await Tokenizer.load(memorySource(await filesOf(model)), undefined);
  const { texts, ids, decoded } = expected[model];
  expect(texts.map((text) => tokenizer.encode(text))).toEqual(ids);
  expect(ids.map((row) => tokenizer.decode(row))).toEqual(decoded);
});

test("CLIP's tokenizer from vocab.json and merges.txt", async () => {
  const { 'tokenizer.json': json, ...files } = await filesOf('clip');
  const { model } = JSON.parse(new TextDecoder().decode(json)) as {
    model: { vocab: Record<string, number>; merges: (string | string[])[] };
  };
  const lines = model.merges.map((pair) => [pair].flat().join(' '));
  const source = memorySource({
    ...files,
    'vocab.json': withFields(undefined, model.vocab),
    'merges.txt': new TextEncoder().encode(['#version: 0.2', ...lines, ''].join('\n')),
  });
  const tokenizer = await Tokenizer.load(source, undefined);
  const { texts, ids, decoded } = expected.clip;
  expect(texts.map((text) => tokenizer.encode(text))).toEqual(ids);
  expect(ids.map((row) => tokenizer.decode(row))).toEqual(decoded);
});
