// Text from speech as Hugging Face's Whisper gives it: languages heard and asked for, time stamps, words found in the sound,
// windows one after the other, prompts, thresholds.
import { expect, test } from 'vitest';
import { type Gpu, loadModel, type Model, type ModelInputs } from 'webgpu-transformer';
import { inCamelCase } from '../support/expected.ts';
import { readFixture, readFixtureJson } from '../support/fixture.ts';
import { bothTiers, sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureSource, readValues } from '../support/source.ts';

interface Segment {
  readonly start: number;
  readonly end: number;
  readonly tokens: readonly number[];
  readonly token_timestamps?: readonly number[];
}

interface Run {
  readonly name: string;
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly segments: readonly (readonly Segment[])[];
}

const name = 'whisper_speech';
const { runs } = (await readFixtureJson(`${name}/expected.json`)) as { runs: Run[] };
const sounds = readValues(await readFixture(`${name}/inputs.safetensors`));
const inputsOf = (run: string): ModelInputs => ({
  inputFeatures: sounds.get(`${run}/input_features`)!,
});

const close = (a: number, b: number): boolean => Math.abs(a - b) < 1e-6;

async function expectRun(model: Model, run: Run): Promise<void> {
  const { segments = [], sequences } = await model.generate(
    inputsOf(run.name),
    inCamelCase(run.kwargs),
  );
  const tokens = segments.map((row) => row.map((segment) => segment.tokens));
  const wanted = run.segments.map((row) => row.map((segment) => segment.tokens));
  expect(tokens, `tokens of ${run.name}`).toEqual(wanted);
  expect(sequences.map((row) => row.length)).toEqual(sequences.map(() => sequences[0]!.length));
  for (const [i, row] of run.segments.entries()) {
    for (const [j, segment] of row.entries()) {
      const got = segments[i]![j]!;
      const where = `segment ${j} of row ${i} of ${run.name}`;
      const isPlaced = close(got.start, segment.start) && close(got.end, segment.end);
      expect(isPlaced, `${where}: ${got.start} to ${got.end}`).toBe(true);
      const times = segment.token_timestamps;
      const isAsLong = got.tokenTimestamps?.length === times?.length;
      const isSame =
        isAsLong && (times?.every((time, n) => close(time, got.tokenTimestamps![n]!)) ?? true);
      expect(isSame, `${where}: ${got.tokenTimestamps?.join()} for ${times?.join()}`).toBe(true);
    }
  }
}

for (const [index, { name: device, options }] of (await bothTiers()).entries()) {
  const onGpu = sharedGpu(options);
  const chosen =
    index === 0 ? runs : runs.filter((run) => /^(asked|stamped|timed)$/.test(run.name));
  test(`speech of ${chosen.length} kinds, ${device}`, () =>
    onGpu(async (gpu: Gpu) => {
      using model = await loadModel(fixtureSource(name), { gpu });
      expect(model.warnings).toEqual([]);
      for (const run of chosen) await expectRun(model, run);
    }));
}

const onGpu = sharedGpu();

test('a stream gives the tokens that generate gives', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource(name), { gpu });
    for (const options of [{ language: 'de' }, { returnTimestamps: true }] as const) {
      const inputs = inputsOf('translated');
      const { sequences } = await model.generate(inputs, options);
      const found: number[] = [];
      for await (const { tokenIds } of model.stream(inputs, options)) found.push(...tokenIds);
      expect(sequences[0]!.join()).toMatch(new RegExp(`,${found.slice(0, 4).join()}`));
    }
  }));

test('what a call cannot have is refused, with what to do', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource(name), { gpu });
    const inputs = inputsOf('translated');
    const { data, shape } = inputs.inputFeatures!;
    const refused = (
      message: string,
      options: object,
      given: ModelInputs = inputs,
      code: 'OPTION_INVALID' | 'INPUT_INVALID' | 'OPTION_UNKNOWN' = 'OPTION_INVALID',
    ): Promise<void> => expectRejection(model.generate(given, options), code, message);
    await refused('Did you mean "german"', { language: 'germn' });
    await refused('It knows en, de, fr', { language: 'klingon' });
    await refused("wanted 'transcribe' or 'translate'", { task: 'sing' });
    await refused('or 1, one for each input', { language: ['de', 'en'] });
    await refused('a number of at least 0', { temperature: [-1] });
    await refused('it with conditionOnPrevTokens: true', { promptConditionType: 'all-segments' });
    await refused('numFrames is [99]', { numFrames: 99 });
    await refused('Did you mean "language"', { langage: 'de' }, inputs, 'OPTION_UNKNOWN');
    await refused('Pass returnTimestamps: true', { returnTimestamps: false }, inputsOf('long'));
    const silent = { data: new Float32Array(data.length).fill(NaN), shape };
    await refused('no finite number at 0', {}, { inputFeatures: silent }, 'INPUT_INVALID');
    const bins = { data, shape: [1, shape[1]! / 2, 2 * shape[2]!] };
    await refused(
      'has 3 bins a frame; this model takes 6',
      {},
      { inputFeatures: bins },
      'INPUT_INVALID',
    );
    const forward = model.forward({ ...inputsOf('long'), decoderInputIds: [[51]] });
    await expectRejection(forward, 'INPUT_INVALID', 'has 101 frames; this model takes 40');
  }));

test('an English model takes no language', () =>
  onGpu(async (gpu) => {
    const source = fixtureSource(name);
    const english = {
      ...source,
      read: async (...args: Parameters<typeof source.read>) => {
        const bytes = await source.read(...args);
        if (args[0] !== 'generation_config.json' || bytes === undefined) return bytes;
        const text = new TextDecoder()
          .decode(bytes)
          .replace('"is_multilingual": true', '"is_multilingual": false');
        return new TextEncoder().encode(text.replace('"lang_to_id"', '"_lang_to_id"'));
      },
    };
    using model = await loadModel(english, { gpu });
    const asked = model.generate(inputsOf('translated'), { language: 'en' });
    await expectRejection(asked, 'OPTION_INVALID', 'English alone');
    const { sequences } = await model.generate(inputsOf('translated'));
    expect(sequences[0]!.slice(0, 2)).toEqual([51, 60]);
  }));
