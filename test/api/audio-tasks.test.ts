// Pipelines of sounds: what Python's make of the same samples, and what is refused.
import { expect, test } from 'vitest';
import { type AudioInput, pipeline, type Pipelines } from 'webgpu-transformer';
import { readFixture, readFixtureJson } from '../support/fixture.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureFiles, memorySource, readValues, withFields } from '../support/source.ts';

interface Label {
  readonly label: string;
  readonly score: number;
}

interface Expected {
  readonly sounds: readonly string[];
  readonly wav2vec2_seqcls: readonly (readonly Label[])[];
  readonly hubert_seqcls: readonly (readonly Label[])[];
  readonly vocabulary: Readonly<Record<string, number>>;
  readonly tokenizer_config: Readonly<Record<string, unknown>>;
  readonly recognition: readonly {
    readonly sound: string;
    readonly options: {
      readonly return_timestamps?: 'char' | 'word';
      readonly chunk_length_s?: number;
      readonly stride_length_s?: [number, number];
    };
    readonly tokenizer: Readonly<Record<string, unknown>>;
    readonly result: {
      readonly text: string;
      readonly chunks?: readonly { text: string; timestamp: readonly [number, number] }[];
    };
  }[];
}

const [device] = await testGpus();
const expected = (await readFixtureJson('sound/pipelines.json')) as Expected;
const values = readValues(await readFixture('sound/sound.safetensors'));
const sounds = expected.sounds.map((name) => new Float32Array(values.get(name)!.data));
const [first = new Float32Array()] = sounds;

/** A checkpoint with its feature extractor. */
async function open<Name extends keyof Pipelines>(
  name: Name,
  gpu: Parameters<Parameters<typeof withGpu>[1]>[0],
  folder: string,
  fields: Readonly<Record<string, unknown>> = {},
  words: Readonly<Record<string, unknown>> = {},
): Promise<Pipelines[Name]> {
  const files = await fixtureFiles(`variants/${folder}`, ['config.json', 'model.safetensors']);
  const extractor = { feature_extractor_type: 'Wav2Vec2FeatureExtractor' };
  return pipeline(
    name,
    memorySource({
      ...files,
      'config.json': withFields(files['config.json'], fields),
      'preprocessor_config.json': withFields(undefined, extractor),
      'vocab.json': withFields(undefined, expected.vocabulary),
      'tokenizer_config.json': withFields(undefined, { ...expected.tokenizer_config, ...words }),
    }),
    { gpu },
  );
}

test.each(['wav2vec2_seqcls', 'hubert_seqcls'] as const)('%s: labels of sounds', (name) =>
  withGpu(device!.options, async (gpu) => {
    using classify = await open('audio-classification', gpu, name);
    const all = await classify(sounds);
    for (const [i, labels] of all.entries()) {
      const wanted = expected[name][i]!;
      expect(labels.map(({ label }) => label)).toEqual(wanted.map(({ label }) => label));
      labels.forEach(({ score }, n) => expect(score).toBeCloseTo(wanted[n]!.score, 5));
    }
    const one = await classify({ data: first, samplingRate: 16_000 }, { topK: 1 });
    expect(one).toEqual(all[0]!.slice(0, 1));
    expect(await classify([])).toEqual([]);
    expect(classify.featureExtractor.samplingRate).toBe(16_000);
  }),
);

test('scores go by the kind of problem', () =>
  withGpu(device!.options, async (gpu) => {
    const fields = { problem_type: 'multi_label_classification' };
    using classify = await open('audio-classification', gpu, 'hubert_seqcls', fields);
    const plain = await classify(first, { functionToApply: 'none' });
    const scores = await classify(first);
    scores.forEach(({ score }, i) =>
      expect(score).toBeCloseTo(1 / (1 + Math.exp(-plain[i]!.score)), 5),
    );
  }));

test('what is no sound, and a checkpoint of another task, are refused', () =>
  withGpu(device!.options, async (gpu) => {
    using classify = await open('audio-classification', gpu, 'hubert_seqcls');
    const refused = (input: unknown, ...parts: string[]): Promise<void> =>
      expectRejection(classify(input as AudioInput), 'INPUT_INVALID', ...parts);
    await refused(new Float32Array(0), 'empty');
    await refused(Float32Array.of(NaN), 'Sample 0');
    await refused(new Float32Array(9), 'too short');
    await refused({ data: first }, 'samplingRate is missing');
    await refused(5, '5 is no sound');
    const options = { topK: 0 };
    await expectRejection(classify(first, options), 'OPTION_INVALID', 'topK is 0');
    const other = open('audio-classification', gpu, 'wav2vec2_ctc');
    await expectRejection(other, 'MODEL_UNSUPPORTED', 'Wav2Vec2ForCTC', 'audio-classification');
  }));

test('speech is written down label by label, whole and in parts', () =>
  withGpu(device!.options, async (gpu) => {
    const task = 'automatic-speech-recognition';
    for (const words of [{}, { do_lower_case: true, replace_word_delimiter_char: '_' }]) {
      using recognize = await open(task, gpu, 'wav2vec2_ctc', {}, words);
      const runs = expected.recognition.filter(
        ({ tokenizer }) => JSON.stringify(tokenizer) === JSON.stringify(words),
      );
      expect(runs.length).toBeGreaterThan(4);
      for (const { sound, options, result } of runs) {
        const { return_timestamps: times, chunk_length_s: chunk, stride_length_s: sides } = options;
        const got = await recognize(new Float32Array(values.get(sound)!.data), {
          ...(times && { returnTimestamps: times }),
          ...(chunk && { chunkLength: chunk }),
          ...(sides && { stride: sides }),
        });
        expect(got.text).toBe(result.text);
        expect(got.chunks?.map(({ text }) => text)).toEqual(result.chunks?.map(({ text }) => text));
        got.chunks?.forEach(({ timestamp }, i) => {
          const wanted = result.chunks![i]!.timestamp;
          expect(timestamp?.[0]).toBeCloseTo(wanted[0], 9);
          expect(timestamp?.[1]).toBeCloseTo(wanted[1], 9);
        });
      }
      const heard: string[] = [];
      const { text } = await recognize(first, { onText: (piece) => heard.push(piece) });
      expect(heard.join('')).toBe(text);
      const refused = (options: object, ...parts: string[]): Promise<void> =>
        expectRejection(recognize(first, options), 'OPTION_INVALID', ...parts);
      await refused({ returnTimestamps: true }, "'char' or 'word'");
      await refused({ numBeams: 2 }, 'numBeams', 'generate');
      await refused({ chunkLength: 0.01, stride: 0.005 }, 'stride');
    }
  }));
