// Pictures drawn colour by colour: what Python's model draws, whole and on from the upper half of a picture.
import { expect, test } from 'vitest';
import { pipeline } from 'webgpu-transformer';
import { readFixture, readFixtureJson } from '../support/fixture.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureFiles, memorySource, withFields } from '../support/source.ts';

interface Expected {
  readonly processor: Readonly<Record<string, unknown>>;
  readonly images: readonly string[];
  /** The nearest colour of each pixel. */
  readonly ids: readonly (readonly number[])[];
  /** Bytes of what greedy search makes of their upper halves, and of nothing. */
  readonly drawn: readonly (readonly number[])[];
  readonly whole: readonly number[];
}

const [device] = await testGpus();
const expected = (await readFixtureJson('processors/drawings.json')) as Expected;
const files = await Promise.all(expected.images.map((name) => readFixture(`processors/${name}`)));
const sourceWith = async (processor: object) =>
  memorySource({
    ...(await fixtureFiles('variants/imagegpt', ['config.json', 'model.safetensors'])),
    'preprocessor_config.json': withFields(undefined, { ...expected.processor, ...processor }),
  });

test('pictures are drawn, and completed', () =>
  withGpu(device!.options, async (gpu) => {
    const task = 'unconditional-image-generation';
    using draw = await pipeline(task, await sourceWith({}), { gpu });
    const greedy = { doSample: false };
    const whole = await draw(greedy);
    expect([...whole.data]).toEqual(expected.whole);
    expect(whole).toMatchObject({ width: 4, height: 4, channels: 3 });
    for (const [i, from] of files.entries()) {
      expect([...(await draw({ ...greedy, from })).data]).toEqual(expected.drawn[i]);
    }
    const [first, again, other] = await Promise.all([
      draw({ seed: 1 }),
      draw({ seed: 1, topK: 50 }),
      draw({ seed: 2, temperature: 2 }),
    ]);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    await expectRejection(draw({ topK: -1 }), 'OPTION_INVALID', 'topK');
    const poor = await sourceWith({ clusters: [[0, 0, 0]] });
    using few = await pipeline(task, poor, { gpu });
    await expectRejection(few(), 'MODEL_UNSUPPORTED', '1 "clusters"', '20 colours');
  }));
