// A MarianMT checkpoint against Hugging Face's implementation, on every kind of kernels.
import { expect, test } from 'vitest';
import {
  type DenseTensor,
  loadModel,
  type ModelInputs,
  type ModelOutput,
} from 'webgpu-transformer';
import { type ExpectedCase, expectTensor, readCase, type Rows } from '../support/expected.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { fixtureSource } from '../support/source.ts';

const gpus = await testGpus();
const marian = await readCase('marian');
const source = fixtureSource('marian');

function inputsOf(call: string): ModelInputs {
  const { input_ids, attention_mask, decoder_input_ids, decoder_attention_mask, labels } = marian
    .inputs[call] as Record<string, Rows>;
  return {
    inputIds: input_ids!,
    ...(attention_mask && { attentionMask: attention_mask }),
    ...(decoder_input_ids && { decoderInputIds: decoder_input_ids }),
    ...(decoder_attention_mask && { decoderAttentionMask: decoder_attention_mask }),
    ...(labels && { labels }),
  };
}

/** Every output of a call, by Hugging Face's names. */
function named(output: ModelOutput): Map<string, DenseTensor> {
  const { logits, loss, encoderLastHiddenState } = output;
  const found = new Map<string, DenseTensor>();
  const add = (name: string, tensor: DenseTensor | undefined): void => {
    if (tensor !== undefined) found.set(name, tensor);
  };
  add('logits', logits);
  add('loss', loss);
  add('encoder_last_hidden_state', encoderLastHiddenState);
  const lists = {
    encoder_hidden_states: output.encoderHiddenStates,
    decoder_hidden_states: output.decoderHiddenStates,
    encoder_attentions: output.encoderAttentions,
    decoder_attentions: output.decoderAttentions,
    cross_attentions: output.crossAttentions,
  };
  for (const [name, list] of Object.entries(lists)) {
    for (const [layer, tensor] of (list ?? []).entries()) add(`${name}.${layer}`, tensor);
  }
  return found;
}

/** Expects all that the case holds of a call. */
function expectCall(output: ModelOutput, call: string, expected: ExpectedCase): void {
  const got = named(output);
  const names = [...expected.values.keys()].filter((name) => name.startsWith(`${call}/`));
  expect(names.length).toBeGreaterThan(1);
  const masks = expected.inputs[call] as Record<string, unknown>;
  for (const name of names) {
    expectTensor(got.get(name.slice(call.length + 1)), name, expected, masks);
  }
}

for (const { name, options } of gpus) {
  test(`outputs, hidden states and attentions, ${name}`, () =>
    withGpu(options, async (gpu) => {
      using model = await loadModel(source, { gpu });
      for (const call of ['main', 'nomask']) {
        const all = { hiddenStates: true, attentions: true };
        const output = await model.forward(inputsOf(call), all);
        expectCall(output, call, marian);
        const states = output.decoderHiddenStates!;
        expect(output.lastHiddenState).toEqual(states.at(-1));
        // Without the weights asked for, another kernel does the work.
        const short = await model.forward(inputsOf(call));
        expect(Object.keys(short).toSorted()).toEqual([
          'encoderLastHiddenState',
          'lastHiddenState',
          'logits',
        ]);
        const masks = marian.inputs[call] as Record<string, unknown>;
        expectTensor(short.logits, `${call}/logits`, marian, masks);
      }
      expectCall(await model.forward(inputsOf('labels')), 'labels', marian);
    }));

  test(`greedy generation, ${name}`, () =>
    withGpu(options, async (gpu) => {
      using model = await loadModel(source, { gpu });
      const greedy = marian.generate.find((run) => run.name === 'greedy')!;
      const inputs = {
        inputIds: greedy.inputs.input_ids,
        attentionMask: greedy.inputs.attention_mask,
      };
      const generation = { maxNewTokens: greedy.kwargs.max_new_tokens, numBeams: 1 };
      const { sequences } = await model.generate(inputs, generation);
      expect(sequences).toEqual(greedy.sequences);
      // The recorded steps are replayed: what the first call left behind must not show.
      expect((await model.generate(inputs, generation)).sequences).toEqual(greedy.sequences);
    }));
}
