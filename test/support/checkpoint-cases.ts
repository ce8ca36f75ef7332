// Tests of checkpoints against Hugging Face's implementation, for the files that list the cases.

import { expect, test } from 'vitest';
import { type Gpu, loadModel } from 'webgpu-transformer';
import { callInputs, expectCall } from './checkpoint.ts';
import { type ExpectedCase, generateOptions, inCamelCase, readCase } from './expected.ts';
import { bothTiers, sharedGpu } from './gpu.ts';
import { fixtureSource } from './source.ts';

/**
 * For each case of test/fixtures, on both tiers: what `forward` gives for all its calls, and what
 * `generate` gives for its runs, on the second tier for the first greedy and the first beam search.
 */
export async function testCheckpoints(cases: readonly string[]): Promise<void> {
  const gpus = (await bothTiers()).map(({ name, options }, index) => ({
    device: name,
    all: index === 0,
    onGpu: sharedGpu(options),
  }));
  for (const name of cases) {
    const expected = await readCase(name);
    for (const { device, all, onGpu } of gpus) {
      const beams = expected.generate.find(({ kwargs }) => Number(kwargs['num_beams'] ?? 1) > 1);
      const some = expected.generate.filter((run, i) => i === 0 || run === beams);
      const runs = all ? expected.generate : some;
      testCheckpoint(name, { ...expected, generate: runs }, device, onGpu);
    }
  }
}

function testCheckpoint(
  name: string,
  expected: ExpectedCase,
  device: string,
  onGpu: (work: (gpu: Gpu) => Promise<void>) => Promise<void>,
): void {
  test(`${name}: outputs, hidden states and attentions, ${device}`, () =>
    onGpu(async (gpu) => {
      using model = await loadModel(fixtureSource(name), { gpu });
      for (const call of Object.keys(expected.inputs)) {
        const inputs = callInputs(expected, call);
        const output = await model.forward(inputs, { hiddenStates: true, attentions: true });
        expectCall(output, call, expected);
        // Without the weights asked for, another kernel does the work.
        const short = await model.forward(inputs);
        expect(output).toMatchObject(short);
        expect(Object.keys(short).join()).not.toMatch(/hiddenStates|attentions/i);
      }
    }));

  if (expected.generate.length === 0) return;
  test(`${name}: generation, ${device}`, () =>
    onGpu(async (gpu) => {
      using model = await loadModel(fixtureSource(name), { gpu });
      for (const run of expected.generate) {
        const inputs = inCamelCase(run.inputs);
        const { sequences, scores } = await model.generate(inputs, generateOptions(run));
        expect(sequences, `sequences of ${run.name}`).toEqual(run.sequences);
        expect(scores?.length, `scores of ${run.name}`).toBe(run.sequences_scores?.length);
        scores?.forEach((score, i) => {
          const wanted = run.sequences_scores![i]!;
          const allowed = 2e-5 * Math.max(...run.sequences_scores!.map(Math.abs));
          expect(Math.abs(score - wanted), `score ${i} of ${run.name}`).toBeLessThan(allowed);
        });
      }
      // The recorded steps are replayed: what the first call left behind must not show.
      const [run] = expected.generate;
      const inputs = inCamelCase(run!.inputs);
      const again = await model.generate(inputs, generateOptions(run!));
      expect(again.sequences, `${run!.name}, again`).toEqual(run!.sequences);
    }));
}
