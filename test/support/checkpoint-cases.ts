// Tests of checkpoints against Hugging Face's implementation, for the files that list the cases.

import { expect, test } from 'vitest';
import { type GpuRequestOptions, loadModel } from 'webgpu-transformer';
import { callInputs, expectCall } from './checkpoint.ts';
import { type ExpectedCase, generateOptions, readCase } from './expected.ts';
import { testGpus, withGpu } from './gpu.ts';
import { fixtureSource } from './source.ts';

/**
 * For each case of test/fixtures, on every kind of kernels: what `forward` gives for all its calls, and
 * what `generate` gives for all its runs.
 */
export async function testCheckpoints(cases: readonly string[]): Promise<void> {
  const gpus = await testGpus();
  for (const name of cases) {
    const expected = await readCase(name);
    for (const { name: device, options } of gpus) testCheckpoint(name, expected, device, options);
  }
}

function testCheckpoint(
  name: string,
  expected: ExpectedCase,
  device: string,
  options: GpuRequestOptions,
): void {
  test(`${name}: outputs, hidden states and attentions, ${device}`, () =>
    withGpu(options, async (gpu) => {
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
    withGpu(options, async (gpu) => {
      using model = await loadModel(fixtureSource(name), { gpu });
      for (const run of expected.generate) {
        const inputs = {
          inputIds: run.inputs.input_ids,
          attentionMask: run.inputs.attention_mask,
        };
        const { sequences, scores } = await model.generate(inputs, generateOptions(run));
        expect(sequences, `sequences of ${run.name}`).toEqual(run.sequences);
        expect(scores?.length, `scores of ${run.name}`).toBe(run.sequences_scores?.length);
        scores?.forEach((score, i) => {
          const wanted = run.sequences_scores![i]!;
          const allowed = 2e-5 * Math.max(...run.sequences_scores!.map(Math.abs));
          expect(Math.abs(score - wanted), `score ${i} of ${run.name}`).toBeLessThan(allowed);
        });
        // The recorded steps are replayed: what the first call left behind must not show.
        const again = await model.generate(inputs, generateOptions(run));
        expect(again.sequences, `${run.name}, again`).toEqual(run.sequences);
      }
    }));
}
