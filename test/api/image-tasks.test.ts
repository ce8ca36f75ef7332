// Pipelines of images: what Python's make of the same files, every kind of input, and what is refused.
import { expect, test } from 'vitest';
import { type ImageInput, pipeline, type Pipelines, type RawImage } from 'webgpu-transformer';
import { readFixture, readFixtureJson } from '../support/fixture.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureFiles, memorySource, withFields } from '../support/source.ts';

interface Expected {
  readonly processor: Readonly<Record<string, unknown>>;
  readonly images: readonly string[];
  readonly classes: readonly (readonly Label[])[];
  readonly sigmoid: readonly Label[];
  readonly features: readonly (readonly number[])[];
  readonly pooled: readonly (readonly number[])[];
}

interface Label {
  readonly label: string;
  readonly score: number;
}

const [device] = await testGpus();
const expected = (await readFixtureJson('processors/pipelines.json')) as Expected;
const files = await Promise.all(expected.images.map((name) => readFixture(`processors/${name}`)));
const [odd = new Uint8Array(), tall = odd] = files;

/** A checkpoint of images with its processor, which makes squares of so many pixels. */
async function open<Name extends keyof Pipelines>(
  name: Name,
  gpu: Parameters<Parameters<typeof withGpu>[1]>[0],
  folder: string,
  side: number,
): Promise<Pipelines[Name]> {
  const size = { height: side, width: side };
  return pipeline(
    name,
    memorySource({
      ...(await fixtureFiles(folder, ['config.json', 'model.safetensors'])),
      'preprocessor_config.json': withFields(undefined, { ...expected.processor, size }),
    }),
    { gpu },
  );
}

function expectLabels(labels: readonly Label[], wanted: readonly Label[]): void {
  expect(labels.map(({ label }) => label)).toEqual(wanted.map(({ label }) => label));
  labels.forEach(({ score }, i) => expect(score).toBeCloseTo(wanted[i]!.score, 5));
}

function expectValues(values: ArrayLike<number>, wanted: readonly number[]): void {
  const most = Math.max(...wanted.map(Math.abs));
  const apart = wanted.map((value, i) => Math.abs(value - (values[i] ?? NaN)));
  expect(values.length).toBe(wanted.length);
  expect(Math.max(...apart)).toBeLessThan(2e-5 * most);
}

test('images are classified, one and several, of one size and of others', () =>
  withGpu(device!.options, async (gpu) => {
    using classify = await open('image-classification', gpu, 'vit', 24);
    const all = await classify(files, { topK: 3 });
    all.forEach((labels, i) => expectLabels(labels, expected.classes[i]!));
    expectLabels(await classify(odd, { functionToApply: 'sigmoid' }), expected.sigmoid);
    expect(await classify(odd, { topK: null })).toHaveLength(7);
    expect(await classify([])).toEqual([]);
    expect(classify.imageProcessor.sizeOf([5, 900])).toEqual([24, 24]);
    const { pixelValues } = await classify.imageProcessor.process(gpu, [odd, tall]);
    expect(pixelValues.shape).toEqual([2, 3, 24, 24]);
    const { logits } = await classify.model.forward({ pixelValues });
    expect(logits?.shape).toEqual([2, 7]);
  }));

test('features of images, token by token and pooled', () =>
  withGpu(device!.options, async (gpu) => {
    using extract = await open('image-feature-extraction', gpu, 'variants/dinov2', 20);
    const states = await extract([odd, tall]);
    states.forEach(({ data }, i) => expectValues(data, expected.features[i]!));
    expect(states[0]?.shape).toEqual([1, 17, 24]);
    const { data } = await extract(odd, { normalize: true });
    expect(data.subarray(24, 48).reduce((sum, x) => sum + x * x, 0)).toBeCloseTo(1, 5);
    const vectors = await extract([odd, tall], { pool: true });
    expectValues(vectors.data, expected.pooled.flat());
    expect(vectors.shape[0]).toBe(2);
  }));

/** A picture of one colour, by its pixels. */
const red = (channels: 3 | 4): RawImage => {
  const pixel = [200, 30, 10, 40].slice(0, channels);
  const data = Uint8Array.from({ length: 20 * channels }, (_, i) => pixel[i % channels]!);
  return { data, width: 5, height: 4, channels };
};

test('pictures come in many forms', () =>
  withGpu(device!.options, async (gpu) => {
    using classify = await open('image-classification', gpu, 'vit', 24);
    const { imageProcessor } = classify;
    const same = async (wanted: ImageInput, ...images: ImageInput[]): Promise<void> => {
      const { pixelValues: one } = await imageProcessor.process(gpu, wanted);
      for (const image of images) {
        const { pixelValues } = await imageProcessor.process(gpu, image);
        expect([image, pixelValues.data]).toEqual([image, one.data]);
      }
    };
    const copy = new Uint8Array(odd);
    await same(odd, copy.buffer, new Blob([copy]), new File([copy], 'odd.png'));
    await same(red(3), red(4));
    if (typeof document === 'undefined') {
      const url = new URL('../fixtures/processors/odd.png', import.meta.url);
      await same(odd, url, url.href, decodeURIComponent(url.pathname));
      return;
    }
    const address = '/test/fixtures/processors/odd.png';
    const image = new Image();
    image.src = address;
    await image.decode();
    await same(
      odd,
      address,
      new URL(address, location.href),
      image,
      await createImageBitmap(image),
    );
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [5, 4];
    const context = canvas.getContext('2d')!;
    context.fillStyle = 'rgb(200 30 10)';
    context.fillRect(0, 0, 5, 4);
    const offscreen = new OffscreenCanvas(5, 4);
    offscreen.getContext('2d')!.drawImage(canvas, 0, 0);
    await same(red(3), canvas, offscreen, context.getImageData(0, 0, 5, 4), canvas.toDataURL());
    const frame = new VideoFrame(canvas, { timestamp: 0 });
    const { pixelValues } = await imageProcessor.process(gpu, frame);
    frame.close();
    expect(pixelValues.shape).toEqual([1, 3, 24, 24]);
  }));

test('what is no picture is refused, and says why', () =>
  withGpu(device!.options, async (gpu) => {
    using classify = await open('image-classification', gpu, 'vit', 24);
    const refuse = (
      image: unknown,
      code: Parameters<typeof expectRejection>[1],
      ...parts: string[]
    ) => expectRejection(classify(image as ImageInput), code, ...parts);
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
    await refuse(bytes('no picture at all'), 'FILE_INVALID', 'cannot be decoded');
    await refuse(odd.slice(0, odd.length / 2), 'FILE_INVALID', 'cannot be decoded');
    await refuse(new Uint8Array(), 'FILE_INVALID', 'empty');
    await refuse('nowhere/cat.png', 'FILE_NOT_FOUND', 'nowhere');
    await refuse(undefined, 'INPUT_INVALID', 'wanted a file');
    await refuse(7, 'INPUT_INVALID', 'wanted a file');
    await refuse({}, 'INPUT_INVALID');
    await refuse({ ...red(3), width: 0 }, 'INPUT_INVALID', 'width is 0');
    await refuse({ ...red(3), height: 5 }, 'INPUT_INVALID', '60 bytes');
    await refuse({ ...red(3), channels: 5 }, 'INPUT_INVALID', 'channels is 5');
    await expectRejection(
      classify(odd, { topk: 3 } as object),
      'OPTION_UNKNOWN',
      'Did you mean "topK"?',
    );
    // A strip, a million pixels wide, becomes a square as any other picture does.
    const wide = {
      data: new Uint8Array(1e6).fill(90),
      width: 1e6,
      height: 1,
      channels: 1,
    } as const;
    expect(await classify(wide)).toHaveLength(5);
  }));

test('checkpoints and processors that do not fit', () =>
  withGpu(device!.options, async (gpu) => {
    const vit = await fixtureFiles('vit', ['config.json', 'model.safetensors']);
    const load = (
      processor: object | undefined,
      config: object = {},
    ): Promise<Pipelines['image-classification']> => {
      const own = processor && {
        'preprocessor_config.json': withFields(undefined, { ...processor }),
      };
      const changed = {
        ...vit,
        'config.json': withFields(vit['config.json'], { ...config }),
        ...own,
      };
      return pipeline('image-classification', memorySource(changed), { gpu });
    };
    const { processor } = expected;
    await expectRejection(load(undefined), 'FILE_NOT_FOUND', 'preprocessor_config.json');
    const refused: [object, string][] = [
      [{ do_sharpen: true }, '"do_sharpen" is true'],
      [{ do_pad: true, pad_size: { height: 30, width: 30 } }, '"pad_size"'],
      [{ size: { longest_edge: 9 } }, '"size"'],
      [{ resample: 9 }, '"resample" is 9'],
      [{ image_mean: [1, 2] }, '"image_mean"'],
      [{ image_std: [1, 0, 1] }, '"image_std"'],
      [{ image_processor_type: 'ConvNextImageProcessor' }, 'ViTImageProcessor'],
    ];
    // What pads nothing, and what the processor does not know, is taken.
    const idle = { do_pad: true, size_divisor: 32, do_reduce_labels: false };
    (await load({ ...processor, ...idle })).dispose();
    for (const [fields, part] of refused) {
      const code = 'image_mean' in fields || 'image_std' in fields || 'resample' in fields;
      await expectRejection(
        load({ ...processor, ...fields }),
        code ? 'CONFIG_INVALID' : 'MODEL_UNSUPPORTED',
        part,
      );
    }
    await expectRejection(
      load(processor, { architectures: ['ViTModel'] }),
      'MODEL_UNSUPPORTED',
      'ForImageClassification',
      'It fits image-feature-extraction',
    );
  }));
