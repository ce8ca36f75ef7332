// All methods; more of GPTQ stands beside it. AWQ, MLX, MXFP4 and FP8 were packed by their published layouts with PyTorch 2.13,
// bitsandbytes by its version 0.50.2, compressed-tensors with the packing of version 0.20.1; logits and tokens are
// those of transformers 5.24 with the dequantised weights, in float64.
import { expect, test } from 'vitest';
import { loadModel } from 'webgpu-transformer';
import { trainableOf } from '../../../../src/training/check.ts';
import '../../../../src/training/trainable-models.ts';
import { testGpus, withGpu } from '../../../support/gpu.ts';
import {
  changedFixture,
  expectFixture,
  expectTokens,
  quantizedFixture,
  resized,
} from '../../../support/quantized.ts';
import { fixtureSource, memorySource } from '../../../support/source.ts';

const gpus = await testGpus();
const [{ options: usual } = { options: {} }] = gpus;

interface Case {
  /** The format of the first layer's `q_proj`. */
  readonly format: string;
  /** What `model.warnings` speaks of. */
  readonly warning?: string;
}

const cases: Readonly<Record<string, Case>> = {
  gptq_8bit: { format: 'int8-64-f32' },
  awq: { format: 'int4-32-f32' },
  mlx: { format: 'int4-32-f16' },
  mlx_8bit: { format: 'int8-32-f32' },
  bnb_nf4: { format: 'nf4-64' },
  bnb_fp4: { format: 'fp4-64' },
  bnb_int8: { format: 'int8-64-f32', warning: '"load_in_8bit"' },
  ct_int4: { format: 'int4-32-f32' },
  ct_int4_plain_zeros: { format: 'int4-32-f32' },
  ct_int8_channel: { format: 'int8-64-f32' },
  ct_w8a8: { format: 'int8-64-f32', warning: '"input_activations"' },
  ct_fp8: { format: 'fp8-64', warning: '"input_activations"' },
  fp8_block: { format: 'fp8-128', warning: 'FP8' },
  mxfp4: { format: 'mxfp4-32' },
};

for (const [name, { format, warning }] of Object.entries(cases)) {
  test(`${name}: logits and tokens`, () =>
    withGpu(usual, async (gpu) => {
      using model = await expectFixture(gpu, name);
      await expectTokens(model, name);
      const own = trainableOf('model', model).slices.find((slice) =>
        slice.name.endsWith('layers.0.self_attn.q_proj.weight'),
      );
      expect(own?.tensor.dtype).toBe(format);
      expect(model.warnings.join()).toContain(warning ?? '');
      expect(model.warnings).toHaveLength(warning === undefined ? 0 : 1);
    }));
}

test('gpt-oss: experts in codes, the rest as it is', () =>
  withGpu(usual, async (gpu) => {
    using model = await expectFixture(gpu, 'gpt_oss');
    await expectTokens(model, 'gpt_oss');
    const { slices } = trainableOf('model', model);
    const dtypes = ['experts.gate_up_proj', 'q_proj.weight'].map(
      (end) => slices.find(({ name }) => name.endsWith(end))?.tensor.dtype,
    );
    expect(dtypes).toEqual(['mxfp4-32', 'f32']);
    expect(model.warnings).toEqual([]);
  }));

test('a module that is quantised otherwise, and one that is not', () =>
  withGpu(usual, async (gpu) => {
    const formatsOf = async (name: string): Promise<Map<string, string>> => {
      using model = await expectFixture(gpu, name);
      const { slices } = trainableOf('model', model);
      return new Map(slices.map((slice) => [slice.name, slice.tensor.dtype]));
    };
    const some = await formatsOf('mlx');
    expect(some.get('model.layers.1.mlp.down_proj.weight')).toBe('f16');
    expect(some.get('model.embed_tokens.weight')).toBe('int4-32-f16');
    // Codes of 4 bits stand below those of 8 bits in one weight.
    const others = await formatsOf('mlx_8bit');
    expect(others.get('model.layers.0.mlp.up_proj.weight')).toBe('int8-32-f32');
  }));

test('rows that end within a word', () =>
  withGpu(usual, async (gpu) => {
    // 90 columns of 8 bits take 22.5 words, 23 as they are stored.
    const files = await changedFixture('ct_int8_channel', (tensors) => {
      const name = 'model.layers.0.mlp.down_proj.weight_packed';
      expect(tensors[name]?.shape).toEqual([64, 23]);
      tensors[name] = resized(tensors[name]!, [64, 22]);
    });
    const loading = loadModel(memorySource(files), { gpu });
    await expect(loading).rejects.toMatchObject({ code: 'TENSOR_MISMATCH' });
  }));

test('the same file by another name of its method', () =>
  withGpu(usual, async (gpu) => {
    const { input_ids: inputIds } = await quantizedFixture('ct_fp8');
    using model = await loadModel(fixtureSource('quantized/ct_fp8'), { gpu });
    const { logits } = await model.forward({ inputIds });
    for (const method of ['fp8', 'fbgemm_fp8']) {
      const files = await changedFixture('ct_fp8', { quant_method: method });
      using other = await loadModel(memorySource(files), { gpu });
      expect((await other.forward({ inputIds })).logits).toEqual(logits);
      expect(other.warnings.join()).toContain('FP8');
    }
  }));

test('beams of a batch, and a load that is given up', () =>
  withGpu(usual, async (gpu) => {
    const source = fixtureSource('quantized/mlx');
    const { input_ids: inputIds } = await quantizedFixture('mlx');
    const results = [];
    for (const dtype of [{}, 'f32'] as const) {
      using model = await loadModel(source, { gpu, dtype });
      const options = { numBeams: 3, numReturnSequences: 2, maxNewTokens: 5 };
      const { sequences } = await model.generate({ inputIds }, options);
      results.push(sequences);
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[0]).toHaveLength(4);
    const before = gpu.memory.bytes;
    const abort = new AbortController();
    const onProgress = ({ loaded }: { loaded: number }): void => {
      if (loaded > 0) abort.abort();
    };
    const loading = loadModel(source, { gpu, signal: abort.signal, onProgress });
    await expect(loading).rejects.toMatchObject({ code: 'ABORTED' });
    expect(gpu.memory.bytes).toBe(before);
  }));
