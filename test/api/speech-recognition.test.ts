// What is said in sounds, as Python's pipeline says it: texts, stretches and words with their times, long sounds, parts
// that overlap.
import { expect, test } from 'vitest';
import { pipeline, type RecognitionOptions } from 'webgpu-transformer';
import { readWav } from '../../src/audio/wav.ts';
import { readFixture, readFixtureJson } from '../support/fixture.ts';
import { sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureSource } from '../support/source.ts';

interface Run {
  readonly name: string;
  readonly sound: string;
  readonly samples: number;
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly result: {
    text: string;
    chunks?: { text: string; timestamp: unknown; language?: string }[];
  };
}

const name = 'whisper_task';
const { runs } = (await readFixtureJson(`${name}/expected.json`)) as { runs: Run[] };
const sounds = new Map<string, Float32Array>();
for (const sound of ['one', 'two', 'long']) {
  sounds.set(sound, readWav(await readFixture(`${name}/${sound}.wav`), sound).data);
}
const samplesOf = ({ sound, samples }: Pick<Run, 'sound' | 'samples'>): Float32Array =>
  sounds.get(sound)!.subarray(0, samples);
const onGpu = sharedGpu();

/** Python's names of options, and those that they have here. */
const renamed: Readonly<Record<string, keyof RecognitionOptions>> = {
  chunk_length_s: 'chunkLength',
  stride_length_s: 'stride',
  return_timestamps: 'returnTimestamps',
  return_language: 'returnLanguage',
  language: 'language',
  num_beams: 'numBeams',
  max_new_tokens: 'maxNewTokens',
};

function optionsOf({ kwargs }: Run): RecognitionOptions {
  return Object.fromEntries(
    Object.entries(kwargs).map(([key, value]): [string, unknown] => [renamed[key] ?? key, value]),
  );
}

test('sounds as texts, with times and without', () =>
  onGpu(async (gpu) => {
    using hear = await pipeline('automatic-speech-recognition', fixtureSource(name), { gpu });
    expect(hear.model.warnings).toEqual([]);
    for (const run of runs) {
      const pieces: string[] = [];
      const options = { ...optionsOf(run), onText: (piece: string) => pieces.push(piece) };
      const { text, chunks } = await hear(samplesOf(run), options);
      expect(text, `text of ${run.name}`).toBe(run.result.text);
      expect(chunks, `chunks of ${run.name}`).toEqual(run.result.chunks);
      if (run.kwargs['chunk_length_s'] === undefined) expect(pieces.join('')).toBe(text);
    }
    const [first] = runs;
    const sound = { data: samplesOf(first!), samplingRate: 16_000 };
    const both = await hear([sound, sound], { numBeams: 2 });
    expect(both).toHaveLength(2);
    expect(both[0]).toEqual(both[1]);
  }));

test('Moonshine: sounds of any length, whole and in parts', () =>
  onGpu(async (gpu) => {
    const folder = 'moonshine_task';
    const { runs: own } = (await readFixtureJson(`${folder}/expected.json`)) as { runs: Run[] };
    using hear = await pipeline('automatic-speech-recognition', fixtureSource(folder), { gpu });
    expect(hear.model.warnings).toEqual([]);
    for (const run of own) {
      const pieces: string[] = [];
      const options = { ...optionsOf(run), onText: (piece: string) => pieces.push(piece) };
      const { text } = await hear(samplesOf(run), options);
      expect(text, `text of ${run.name}`).toBe(run.result.text);
      expect(pieces.join('')).toBe(text);
      if (run.name === 'long') expect(pieces.length).toBeGreaterThan(8);
    }
    const refuse = (options: object, message: string) =>
      expectRejection(hear(samplesOf(own[0]!), options), 'OPTION_INVALID', message);
    await refuse({ returnTimestamps: 'word' }, 'returnTimestamps is for Whisper');
    await refuse({ returnLanguage: true }, 'returnLanguage is for Whisper');
    await refuse({ language: 'de' }, 'language is for Whisper');
    await refuse({ temperature: [0, 0.5] }, 'temperature');
    await expectRejection(hear(new Float32Array(700)), 'INPUT_INVALID', 'at least 895 samples');
    const seen: number[] = [];
    await hear(samplesOf(own[0]!), {
      returnTimestamps: false,
      onText: () => {},
      stoppingCriteria: (all) => all.map((ids) => seen.push(ids.length) > 2),
    });
    expect(seen).toEqual([2, 3, 4]);
  }));

test('what makes no sense is refused', () =>
  onGpu(async (gpu) => {
    using hear = await pipeline('automatic-speech-recognition', fixtureSource(name), { gpu });
    const refuse = (
      options: object,
      message: string,
      code: 'OPTION_INVALID' | 'OPTION_UNKNOWN' = 'OPTION_INVALID',
    ) => expectRejection(hear(samplesOf(runs[0]!), options), code, message);
    await refuse({ returnTimestamps: 'char' }, "true, false or 'word'");
    await refuse({ chunkLength: -1 }, 'wanted seconds');
    await refuse({ chunkLength: 3 }, 'this model hears 1 s at once');
    await refuse({ chunkLength: 0.5, stride: 0.3 }, 'leaves nothing of chunkLength');
    await refuse({ stride: [1, 2, 3] }, '[left, right]');
    await refuse({ onText: 3 }, 'a function of a text');
    await refuse({ languge: 'de' }, 'Did you mean "language"', 'OPTION_UNKNOWN');
    await refuse({ language: 'fr' }, 'does not know');
    await expectRejection(hear(new Float32Array()), 'INPUT_INVALID', '');
    await expectRejection(hear(Float32Array.of(0, NaN, 0)), 'INPUT_INVALID', '');
    const { text } = await hear(new Float32Array(16_000));
    expect(typeof text).toBe('string');
  }));
