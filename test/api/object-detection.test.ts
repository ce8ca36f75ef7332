// Objects in images: what Python's pipeline finds in the same files.
import { expect, test } from 'vitest';
import { type DetectedObject, loadModel, pipeline } from 'webgpu-transformer';
import { readFixture, readFixtureJson } from '../support/fixture.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureFiles, memorySource, withFields } from '../support/source.ts';

interface Expected {
  readonly processor: Readonly<Record<string, unknown>>;
  readonly images: readonly string[];
  /** Above this score, and with any. */
  readonly threshold: number;
  readonly objects: readonly (readonly DetectedObject[])[];
  readonly all: readonly (readonly DetectedObject[])[];
}

const [device] = await testGpus();
const expected = (await readFixtureJson('processors/detections.json')) as Expected;
const files = await Promise.all(expected.images.map((name) => readFixture(`processors/${name}`)));
const source = memorySource({
  ...(await fixtureFiles('variants/yolos', ['config.json', 'model.safetensors'])),
  'preprocessor_config.json': withFields(undefined, { ...expected.processor }),
});

function expectObjects(found: readonly DetectedObject[], wanted: readonly DetectedObject[]): void {
  const places = (objects: readonly DetectedObject[]) =>
    objects.map(({ label, box }) => ({ label, box }));
  expect(places(found)).toEqual(places(wanted));
  found.forEach(({ score }, i) => expect(score).toBeCloseTo(wanted[i]!.score, 5));
}

test('objects of one image and of several, above a threshold', () =>
  withGpu(device!.options, async (gpu) => {
    using detect = await pipeline('object-detection', source, { gpu });
    const { threshold } = expected;
    const found = await detect(files, { threshold });
    found.forEach((objects, i) => expectObjects(objects, expected.objects[i]!));
    for (const [i, file] of files.entries()) {
      expectObjects(await detect(file, { threshold: 0 }), expected.all[i]!);
    }
    expect(await detect(files[0]!)).toEqual([]);
    await expectRejection(detect(files[0]!, { threshold: 2 }), 'OPTION_INVALID', 'from 0 to 1');
    const strip = { data: new Uint8Array(900), width: 900, height: 1, channels: 1 } as const;
    await expectRejection(detect(strip), 'INPUT_INVALID', 'less narrow');
  }));

test('what finds no objects is refused', () =>
  withGpu(device!.options, async (gpu) => {
    const vit = await fixtureFiles('vit', ['config.json', 'model.safetensors']);
    const preprocessor = withFields(undefined, { image_processor_type: 'ViTImageProcessor' });
    const classifier = memorySource({ ...vit, 'preprocessor_config.json': preprocessor });
    await expectRejection(
      pipeline('object-detection', classifier, { gpu }),
      'MODEL_UNSUPPORTED',
      'object-detection',
      'image-classification',
    );
    const config = { model_type: 'detr', use_timm_backbone: true, backbone: 'resnet50' };
    await expectRejection(
      loadModel(memorySource({ 'config.json': withFields(undefined, config) }), { gpu }),
      'MODEL_UNSUPPORTED',
      'detr',
      'resnet50',
      'no Transformer',
    );
  }));
