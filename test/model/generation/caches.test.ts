// What generation keeps of its tokens: in f32 or f16.
import { expect, test } from 'vitest';
import { type GenerateOptions, loadModel, type ModelInputs } from 'webgpu-transformer';
import { readFixtureJson } from '../../support/fixture.ts';
import { bothTiers, testGpus, withGpu } from '../../support/gpu.ts';
import { expectRejection } from '../../support/rejection.ts';
import { safetensorsFile } from '../../support/safetensors.ts';
import { fixtureFiles, fixtureSource, memorySource, readValues } from '../../support/source.ts';

const gpus = await bothTiers();
const [{ options: usual } = { options: {} }] = await testGpus();

interface Run {
  readonly checkpoint: string;
  readonly inputs: ModelInputs;
  readonly options: GenerateOptions;
  readonly sequences: number[][];
}

const runs = (await readFixtureJson('generate.json')) as readonly Run[];

const all = gpus.flatMap((gpu) =>
  ['gpt2', 'llama_gqa'].map((checkpoint) => ({ ...gpu, checkpoint })),
);

// The same tokens as Hugging Face's in float32: see test/api/generation-runs.test.ts. T5 has caches of
// another kind besides.
test.each([...all, { ...gpus[0]!, checkpoint: 't5_relu' }])(
  '$checkpoint: the same tokens from caches in f16, $name',
  ({ checkpoint, options }) =>
    withGpu(options, async (gpu) => {
      using model = await loadModel(fixtureSource(checkpoint), { gpu, cacheDtype: 'f16' });
      for (const run of runs.filter((one) => one.checkpoint === checkpoint)) {
        const { sequences } = await model.generate(run.inputs, run.options);
        expect(sequences, `with ${JSON.stringify(run.options)}`).toEqual(run.sequences);
      }
    }),
);

test('caches in f16 take half the memory', () =>
  withGpu(usual, async (gpu) => {
    const bytes: number[] = [];
    let keyWidth = 0;
    for (const cacheDtype of ['f32', 'f16'] as const) {
      using model = await loadModel(fixtureSource('llama_gqa'), { gpu, cacheDtype });
      const before = gpu.memory.bytes;
      await model.generate({ inputIds: [[3, 4, 5]] }, { maxNewTokens: 50 });
      const { hidden_size, num_attention_heads, num_key_value_heads } = model.config;
      keyWidth = (Number(hidden_size) / Number(num_attention_heads)) * Number(num_key_value_heads);
      bytes.push(gpu.memory.bytes - before);
    }
    // Two layers, 64 slots of a key and a value, of which each element takes 2 bytes less; a flag of 16.
    expect(bytes[0]! - bytes[1]!).toBe(2 * 64 * 2 * keyWidth * 2 - 16);
  }));

test('a key or value beyond f16 ends in an error, not in other tokens', () =>
  withGpu(usual, async (gpu) => {
    const files = await fixtureFiles('llama_gqa');
    const values = readValues(files['model.safetensors']!);
    const name = 'model.layers.1.self_attn.v_proj.weight';
    const tensors = Object.fromEntries(
      [...values].map(([key, { shape, data }]) => {
        const scaled = Float32Array.from(data, (value) => value * (key === name ? 1e7 : 1));
        return [key, { dtype: 'F32', shape, bytes: new Uint8Array(scaled.buffer) }];
      }),
    );
    const source = memorySource({ ...files, 'model.safetensors': safetensorsFile(tensors) });
    using wide = await loadModel(source, { gpu });
    const prompt = { inputIds: [[3, 4, 5, 6]] };
    await wide.generate(prompt, { maxNewTokens: 3 });
    using model = await loadModel(source, { gpu, cacheDtype: 'f16' });
    for (const inputIds of [[[3, 4, 5, 6]], [[3]]]) {
      for (const numBeams of [1, 2]) {
        const call = model.generate({ inputIds }, { maxNewTokens: 3, numBeams });
        await expectRejection(call, 'LIMIT_EXCEEDED', '65504', "cacheDtype: 'f32'");
      }
    }
  }));

test('what f16 cannot pack, and what is no format, is refused', () =>
  withGpu(usual, async (gpu) => {
    using model = await loadModel(fixtureSource('variants/gemma3_text'), {
      gpu,
      cacheDtype: 'f16',
    });
    const call = model.generate({ inputIds: [[3, 4]] }, { maxNewTokens: 2 });
    await expectRejection(call, 'OPTION_INVALID', '3 pairs that rotate', "cacheDtype: 'f32'");
    const wrong = loadModel(fixtureSource('gpt2'), { gpu, cacheDtype: 'f8' as 'f16' });
    await expectRejection(wrong, 'OPTION_INVALID', 'cacheDtype is "f8"', "'f32' or 'f16'");
  }));
