// torch.nn.Transformer against PyTorch, post- and pre-norm, ReLU and GELU, on every kind of kernels.
import { expect, test } from 'vitest';
import {
  loadModel,
  type Model,
  type ModelOutput,
  type TorchForwardOptions,
} from 'webgpu-transformer';
import { expectTensor, readCase } from '../support/expected.ts';
import { readFixture } from '../support/fixture.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { fixtureSource, readValues } from '../support/source.ts';

const gpus = await testGpus();
const cases = ['post_relu', 'post_gelu', 'pre_relu', 'pre_gelu'].map(
  (variant) => `torch_transformer_${variant}`,
);

/** PyTorch's masks say where not to look. */
function maskOf(blocked: unknown): number[][] {
  return (blocked as boolean[][]).map((row) => row.map((hidden) => (hidden ? 0 : 1)));
}

for (const { name, options } of gpus) {
  for (const folder of cases) {
    test(`${folder}, ${name}`, () =>
      withGpu(options, async (gpu) => {
        const expected = await readCase(folder);
        const given = readValues(await readFixture(`${folder}/inputs.safetensors`));
        const { src_key_padding_mask, tgt_key_padding_mask } = expected.inputs;
        using model: Model = await loadModel(fixtureSource(folder), { gpu });
        const vectors = {
          inputsEmbeds: given.get('src')!,
          decoderInputsEmbeds: given.get('tgt')!,
        };
        const inputs = {
          ...vectors,
          attentionMask: maskOf(src_key_padding_mask),
          decoderAttentionMask: maskOf(tgt_key_padding_mask),
        };
        const check = (got: ModelOutput, list: keyof ModelOutput, stored: string, first = 0) => {
          const tensors = got[list];
          if (!Array.isArray(tensors)) throw new Error(`${list} is missing`);
          expect(tensors).toHaveLength(2 + first);
          for (const layer of [0, 1]) {
            expectTensor(tensors[layer + first], `${stored}.${layer}`, expected, expected.inputs);
          }
        };
        const got = await model.forward(inputs, { hiddenStates: true, attentions: true });
        expectTensor(got.lastHiddenState, 'output', expected, expected.inputs);
        expectTensor(got.encoderLastHiddenState, 'memory', expected, expected.inputs);
        // The inputs count as the first hidden state.
        check(got, 'encoderHiddenStates', 'encoder_layers', 1);
        check(got, 'decoderHiddenStates', 'decoder_layers', 1);
        expect(got.encoderHiddenStates![0]).toEqual(vectors.inputsEmbeds);
        expect(got.decoderHiddenStates![0]).toEqual(vectors.decoderInputsEmbeds);
        check(got, 'encoderAttentions', 'encoder_attentions');
        check(got, 'decoderAttentions', 'decoder_attentions');
        check(got, 'crossAttentions', 'cross_attentions');

        const short = await model.forward(inputs);
        expectTensor(short.lastHiddenState, 'output', expected, expected.inputs);
        const all: TorchForwardOptions = { causal: false };
        const open = await model.forward(vectors, all);
        expectTensor(open.lastHiddenState, 'output_nomask', expected);
      }));
  }
}
