// Checkpoints of every architecture against Hugging Face's implementation, on every kind of kernels.
import { expect, test } from 'vitest';
import { loadModel } from 'webgpu-transformer';
import { callInputs, expectCall } from '../support/checkpoint.ts';
import { generateOptions, readCase } from '../support/expected.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { fixtureSource } from '../support/source.ts';

const cases = [
  'bart',
  'bert_base',
  'bert_base_legacy_names',
  'bert_mlm',
  'bert_qa',
  'bert_seqcls',
  'bert_seqcls_f16',
  'bert_tokcls',
  'distilbert_seqcls',
  'gpt2',
  'gpt2_legacy_names',
  'gpt2_sharded',
  'llama_bf16',
  'llama_gqa',
  'llama_rope_llama3',
  'marian',
  'qwen2',
  'roberta_base',
  'roberta_seqcls',
  't5_gated',
  't5_relu',
];

const gpus = await testGpus();

for (const name of cases) {
  const expected = await readCase(name);
  for (const { name: device, options } of gpus) {
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

    if (expected.generate.length === 0) continue;
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
}
