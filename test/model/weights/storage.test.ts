// Weights that are stored in 16 bits when they are loaded compute what the same weights do that were
// rounded before and stored in 32.
import { expect, test } from 'vitest';
import { type DenseTensor, loadModel } from 'webgpu-transformer';
import { float16ToFloat32, float32ToFloat16 } from '../../../src/source/float16.ts';
import { callInputs } from '../../support/checkpoint.ts';
import { expectClose, readCase } from '../../support/expected.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { safetensorsFile, type StoredTensor } from '../../support/safetensors.ts';
import { fixtureFiles, fixtureSource, memorySource, readValues } from '../../support/source.ts';

/** Products of each kind, with odd widths, tied and not; and the tables of T5's biases. */
const cases = ['bart_uneven', 'gemma2', 'gpt2_model', 'roberta_mlm_untied', 't5_deep'];
/** What is added as it is stands in f32. */
const whole = /embed_positions|position_embeddings|wpe|final_logits_bias/;

for (const { name: device, options } of await testGpus()) {
  test(`dtype: 'f16' rounds matrices, and nothing else, ${device}`, () =>
    withGpu(options, async (gpu) => {
      for (const name of cases) {
        const folder = `variants/${name}`;
        const files = await fixtureFiles(folder, ['config.json', 'model.safetensors']);
        const tensors: Record<string, StoredTensor> = {};
        for (const [key, { shape, data }] of readValues(files['model.safetensors']!)) {
          const isRounded = shape.length === 2 && !whole.test(key);
          const values = isRounded ? float16ToFloat32(float32ToFloat16(data)) : data;
          tensors[key] = { dtype: 'F32', shape, bytes: new Uint8Array(values.buffer) };
        }
        const rounded = { ...files, 'model.safetensors': safetensorsFile(tensors) };
        using half = await loadModel(fixtureSource(folder), { gpu, dtype: 'f16' });
        using full = await loadModel(memorySource(rounded), { gpu });
        using exact = await loadModel(fixtureSource(folder), { gpu });
        const expected = await readCase(folder);
        const [call = ''] = Object.keys(expected.inputs);
        // Without masks every row counts; without labels nothing is left out.
        const { inputIds = [], decoderInputIds } = callInputs(expected, call);
        const inputs = { inputIds, ...(decoderInputIds && { decoderInputIds }) };
        const [got, wanted, unrounded] = await Promise.all(
          [half, full, exact].map((model) => model.forward(inputs)),
        );
        for (const [key, value] of Object.entries(wanted!) as [string, DenseTensor][]) {
          const output = got![key as 'logits'];
          expectClose(output, value, `${name}: ${key}`);
          // Rounding shows.
          expect(() => expectClose(unrounded![key as 'logits'], value, key)).toThrow(key);
        }
      }
    }));
}
