// Runs of `generate` next to Hugging Face's: options together, batches of unlike lengths, beams that end
// early. fixtures/generate.json was made with transformers 5.24.0 and torch 2.13.0 on the checkpoints of
// the fixtures; its tokens stay the same when all weights change by a part of 1e-4.
import { expect, test } from 'vitest';
import { type GenerateOptions, loadModel, type ModelInputs } from 'webgpu-transformer';
import { readFixtureJson } from '../support/fixture.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { fixtureSource } from '../support/source.ts';

interface Run {
  readonly checkpoint: string;
  readonly inputs: ModelInputs;
  readonly options: GenerateOptions;
  readonly sequences: number[][];
  /** Of beams. */
  readonly scores?: number[];
}

const runs = (await readFixtureJson('generate.json')) as readonly Run[];
const [{ options: usual } = { options: {} }] = await testGpus();

for (const checkpoint of new Set(runs.map((run) => run.checkpoint))) {
  test(`${checkpoint} generates what Hugging Face's generates`, () =>
    withGpu(usual, async (gpu) => {
      using model = await loadModel(fixtureSource(checkpoint), { gpu });
      for (const run of runs.filter((one) => one.checkpoint === checkpoint)) {
        const { sequences, scores } = await model.generate(run.inputs, run.options);
        const label = JSON.stringify(run.options);
        expect(sequences, `sequences, ${label}`).toEqual(run.sequences);
        expect(scores?.length, `scores, ${label}`).toBe(run.scores?.length);
        // Scores are rounded to five places, and sums of a few log-probabilities in f32.
        scores?.forEach((score, i) => {
          const difference = Math.abs(score - run.scores![i]!);
          expect(difference, `score ${i}, ${label}`).toBeLessThan(2e-5 * (1 + Math.abs(score)));
        });
      }
    }));
}
