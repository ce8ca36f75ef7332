// Features of sound are those of Hugging Face transformers; samples at other rates those of torchaudio.
import { expect, test } from 'vitest';
import { FeatureExtractor, type FeatureOptions, readAudio } from 'webgpu-transformer';
import { readFixture, readFixtureJson } from '../support/fixture.ts';
import { bothTiers, sharedGpu, withGpu } from '../support/gpu.ts';
import { Random } from '../support/random.ts';
import { expectRejection } from '../support/rejection.ts';
import { memorySource, readValues } from '../support/source.ts';

interface Expected {
  readonly resampled: readonly { from: number; to: number }[];
  readonly features: readonly {
    readonly config: Readonly<Record<string, unknown>>;
    readonly sounds: readonly string[];
    readonly shape: readonly number[];
    readonly options: Readonly<Record<string, unknown>>;
    readonly attention_mask?: readonly (readonly number[])[];
  }[];
}

const expected = (await readFixtureJson('sound/expected.json')) as Expected;
const values = readValues(await readFixture('sound/sound.safetensors'));
const dataOf = (name: string): Float32Array<ArrayBuffer> =>
  new Float32Array(values.get(name)!.data);
const onGpu = sharedGpu();

const json = (value: unknown): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(JSON.stringify(value));

/** An extractor of these files. */
function extractor(files: Readonly<Record<string, unknown>>): Promise<FeatureExtractor> {
  const bytes = Object.entries(files).map(([name, value]) => [name, json(value)] as const);
  return FeatureExtractor.load(memorySource(Object.fromEntries(bytes)));
}

/** The options of Python's call by the names that they have here. */
function optionsOf(given: Readonly<Record<string, unknown>>): FeatureOptions {
  const entries = Object.entries(given).map(([name, value]) => [
    name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    value,
  ]);
  return Object.fromEntries(entries) as FeatureOptions;
}

function largestDifference(got: Float32Array, wanted: Float32Array): number {
  expect(got).toHaveLength(wanted.length);
  return got.reduce((most, value, i) => {
    const difference = Math.abs(value - wanted[i]!);
    return Number.isNaN(difference) ? Infinity : Math.max(most, difference);
  }, 0);
}

for (const { name, options: gpuOptions } of await bothTiers()) {
  test.each([...expected.features.entries()])(`features %i, ${name}`, (i, one) =>
    withGpu(gpuOptions, async (gpu) => {
      const { samplingRate, ...rest } = { samplingRate: one.config['sampling_rate'], ...one };
      const made = await extractor({ 'preprocessor_config.json': rest.config });
      expect(made.samplingRate).toBe(samplingRate);
      const { inputFeatures, inputValues, attentionMask } = await made.features(
        gpu,
        one.sounds.map(dataOf),
        optionsOf(one.options),
      );
      const got = inputFeatures ?? inputValues;
      expect(got?.shape).toEqual(one.shape);
      expect(attentionMask).toEqual(one.attention_mask);
      const wanted = dataOf(`features.${i}.values`);
      expect(largestDifference(got!.data, wanted)).toBeLessThan(inputFeatures ? 2e-5 : 1e-4);
    }),
  );
}

test.each([...expected.resampled.entries()])('samples at another rate, %i', (i, { from, to }) =>
  onGpu(async (gpu) => {
    const data = dataOf(`resample.${i}.x`);
    const got = await readAudio({ data, samplingRate: from }, { samplingRate: to, gpu });
    expect(largestDifference(got, dataOf(`resample.${i}.y`))).toBeLessThan(2e-6);
  }),
);

test('long sound goes through in pieces, as if it were one', () =>
  onGpu(async (gpu) => {
    // Beyond 4096 frames, and beyond 2²⁰ samples at once.
    // Noise, which has no band so weak that the strongest of all decides its value.
    const data = new Random(5).values(2_200_000);
    const made = await extractor({
      'preprocessor_config.json': {
        feature_extractor_type: 'WhisperFeatureExtractor',
        feature_size: 3,
        hop_length: 400,
        n_fft: 64,
      },
    });
    const whole = { padding: 'longest', truncation: false } as const;
    const { inputFeatures } = await made.features(gpu, data, whole);
    expect(inputFeatures?.shape).toEqual([1, 3, 5500]);
    const from = 4000;
    const part = data.subarray(from * 400);
    const tail = (await made.features(gpu, part, whole)).inputFeatures!;
    for (const band of [0, 1, 2]) {
      const got = inputFeatures!.data.subarray(band * 5500 + from + 1, (band + 1) * 5500);
      const wanted = tail.data.subarray(band * 1500 + 1, (band + 1) * 1500);
      expect(largestDifference(got, wanted)).toBeLessThan(1e-5);
    }
    const slower = await readAudio({ data, samplingRate: 3 }, { samplingRate: 2, gpu });
    expect(slower).toHaveLength(Math.ceil((2_200_000 * 2) / 3));
    const again = await readAudio(
      { data: data.subarray(3 * 400_000), samplingRate: 3 },
      { samplingRate: 2, gpu },
    );
    expect(largestDifference(slower.subarray(800_020), again.subarray(20))).toBeLessThan(1e-6);
  }));

test('the part of processor_config.json goes before the older file, and classes are assumed', () =>
  onGpu(async (gpu) => {
    const old = { feature_extractor_type: 'Wav2Vec2FeatureExtractor', sampling_rate: 8000 };
    const files = { 'preprocessor_config.json': old };
    const nested = { feature_extractor: { ...old, sampling_rate: 4000 } };
    const both = await extractor({ ...files, 'processor_config.json': nested });
    expect(both.samplingRate).toBe(4000);
    const named = { processor_class: 'Wav2Vec2Processor' };
    expect((await extractor({ ...files, 'processor_config.json': named })).samplingRate).toBe(8000);
    const unnamed = { 'preprocessor_config.json': { do_normalize: false } };
    const hubert = await extractor({ ...unnamed, 'config.json': { model_type: 'hubert' } });
    const data = Float32Array.of(1, 2, 3);
    expect((await hubert.features(gpu, data)).inputValues?.data).toEqual(data);
    expect(hubert.windowLength).toBeUndefined();
    const whisper = await extractor({
      'preprocessor_config.json': {},
      'config.json': { model_type: 'whisper' },
    });
    expect(whisper.windowLength).toBe(480_000);
  }));

test('settings that would change the result are refused by name', async () => {
  const refused = (fields: object, ...parts: string[]): Promise<void> =>
    expectRejection(
      extractor({
        'preprocessor_config.json': {
          feature_extractor_type: 'WhisperFeatureExtractor',
          ...fields,
        },
      }),
      'MODEL_UNSUPPORTED',
      'preprocessor_config.json',
      ...parts,
    );
  await refused({ dither: 1e-5 }, '"dither"', '0');
  await refused({ padding_side: 'left' }, '"padding_side"');
  await refused({ preemphasis: 0.97 }, '"preemphasis"');
  await refused({ feature_extractor_type: 'ASTFeatureExtractor' }, 'ASTFeatureExtractor');
  await refused({ feature_extractor_type: undefined }, '"feature_extractor_type" is nothing');
  await refused(
    { feature_extractor_type: 'Wav2Vec2FeatureExtractor', feature_size: 2 },
    '"feature_size"',
  );
  await expectRejection(
    extractor({
      'preprocessor_config.json': { feature_extractor_type: 'WhisperFeatureExtractor', n_fft: 1 },
    }),
    'CONFIG_INVALID',
    '"n_fft"',
  );
  await expectRejection(extractor({}), 'FILE_NOT_FOUND', 'preprocessor_config.json');
});

test('sounds that no features can be made of are refused', () =>
  onGpu(async (gpu) => {
    const made = await extractor({
      'preprocessor_config.json': { feature_extractor_type: 'Wav2Vec2FeatureExtractor' },
    });
    const refused = (
      samples: unknown,
      options: FeatureOptions,
      code: 'INPUT_INVALID' | 'OPTION_INVALID' | 'OPTION_UNKNOWN',
      ...parts: string[]
    ): Promise<void> =>
      expectRejection(made.features(gpu, samples as Float32Array, options), code, ...parts);
    await refused(new Float32Array(0), {}, 'INPUT_INVALID', 'empty');
    await refused([], {}, 'INPUT_INVALID', 'no sound');
    await refused([Float32Array.of(1, NaN)], {}, 'INPUT_INVALID', 'Sample 1', 'no finite number');
    await refused(Float64Array.of(1), {}, 'INPUT_INVALID', 'Float32Array');
    const two = [new Float32Array(3), new Float32Array(4)];
    await refused(two, { padding: 'do_not_pad' }, 'INPUT_INVALID', 'Sound 0', 'longest');
    await refused(two, { padding: 'max_length' }, 'OPTION_INVALID', 'maxLength');
    await refused(two, { truncation: true }, 'OPTION_INVALID', 'maxLength');
    const short = { padding: 'max_length', maxLength: 3 } as const;
    await refused(two, short, 'INPUT_INVALID', 'Sound 1', 'truncation');
    await refused(two, { maxLength: 0.5 }, 'OPTION_INVALID', 'maxLength is 0.5');
    await refused(two, { paddin: 1 } as object, 'OPTION_UNKNOWN', '"padding"');
  }));
