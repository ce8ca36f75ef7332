// Image processors of many checkpoints on files of every kind: what transformers makes of them with Pillow.
import { expect, test } from 'vitest';
import { ImageProcessor } from '../../src/images/image-processor.ts';
import { readFixture, readFixtureJson } from '../support/fixture.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { memorySource, readValues, withFields } from '../support/source.ts';

interface ProcessorCase {
  readonly name: string;
  readonly config: object;
  readonly files: Readonly<Record<string, object>>;
  readonly images: readonly string[];
}

const [device] = await testGpus(); // all tiers share the kernels
const cases = (await readFixtureJson('processors/cases.json')) as ProcessorCase[];
const expected = readValues(await readFixture('processors/expected.safetensors'));

test.each(cases)('$name', ({ name, config, files, images }) =>
  withGpu(device!.options, async (gpu) => {
    const json = Object.entries({ 'config.json': config, ...files }).map(([file, fields]) => {
      return [file, withFields(undefined, { ...fields })] as const;
    });
    const processor = await ImageProcessor.load(memorySource(Object.fromEntries(json)));
    for (const image of images) {
      const { pixelValues } = await processor.process(
        gpu,
        await readFixture(`processors/${image}`),
      );
      const { data, shape } = expected.get(`${name}/${image}`)!;
      const apart = pixelValues.data.map((value, i) => Math.abs(value - data[i]!));
      const isNear = apart.every((difference) => difference < 1e-5);
      expect([image, pixelValues.shape, isNear]).toEqual([image, shape, true]);
    }
  }),
);
