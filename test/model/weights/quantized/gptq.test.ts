// GPTQ. The fixtures were made by its published layout, with PyTorch 2.13; logits and tokens are those of
// transformers 5.24 with the dequantised weights, in float64.
import { expect, test } from 'vitest';
import { loadModel, modelSize } from 'webgpu-transformer';
import { trainableOf } from '../../../../src/training/check.ts';
import '../../../../src/training/trainable-models.ts';
import { testGpus, withGpu } from '../../../support/gpu.ts';
import {
  expectFieldsRefused,
  expectFixture,
  expectRefused,
  expectTokens,
  resized,
  withHalf,
} from '../../../support/quantized.ts';
import type { StoredTensor } from '../../../support/safetensors.ts';
import { fixtureSource } from '../../../support/source.ts';

const gpus = await testGpus();
const [device] = gpus;

for (const { name, options } of gpus) {
  test(`groups in order, zero points less 1, ${name}`, () =>
    withGpu(options, async (gpu) => {
      using model = await expectFixture(gpu, 'gptq');
      await expectTokens(model, 'gptq');
      const formats = new Map(
        trainableOf('model', model).slices.map((slice) => [slice.name, slice.tensor.dtype]),
      );
      expect(formats.get('model.layers.0.self_attn.q_proj.weight')).toBe('int4-32-f32');
      expect(formats.get('lm_head.weight')).toBe('f16');
    }));

  test(`columns of a group that lie apart, ${name}`, () =>
    withGpu(options, async (gpu) => {
      using model = await expectFixture(gpu, 'gptq_act_order');
      await expectTokens(model, 'gptq_act_order');
    }));
}

test('the same in other formats, which have the columns as they were', () =>
  withGpu(device!.options, async (gpu) => {
    using floats = await expectFixture(gpu, 'gptq_act_order', { dtype: 'f32' });
    expect(floats.warnings).toEqual([]);
    using halves = await expectFixture(gpu, 'gptq_act_order', { dtype: 'f16', bound: 2e-3 });
    expect(halves.warnings).toEqual([]);
    using coarse = await expectFixture(gpu, 'gptq_act_order', { dtype: 'int8', bound: 6e-2 });
    expect(coarse.warnings).toEqual([]);
  }));

test('it takes what modelSize says', () =>
  withGpu(device!.options, async (gpu) => {
    const source = fixtureSource('quantized/gptq');
    const { gpuBytes } = await modelSize(source);
    for (const dtype of [undefined, 'f32'] as const) {
      const before = gpu.memory.bytes;
      using model = await loadModel(source, { gpu, ...(dtype && { dtype }) });
      const bytes = model.gpu.memory.bytes - before;
      expect(bytes / gpuBytes[dtype ?? 'stored']).toBeGreaterThan(0.97);
      expect(bytes / gpuBytes[dtype ?? 'stored']).toBeLessThan(1.03);
    }
  }));

test('what is not read is refused by its field', () =>
  withGpu(device!.options, async (gpu) => {
    await expectFieldsRefused(gpu, 'gptq', 'GPTQ', {
      bits: 3,
      group_size: 24,
      checkpoint_format: 'marlin',
      is_marlin_format: true,
      dynamic: { '+:.*down.*': { bits: 8 } },
    });
  }));

test('files that lie', () =>
  withGpu(device!.options, async (gpu) => {
    const name = 'model.layers.1.mlp.up_proj';
    const [zeros, scales] = [`${name}.qzeros`, `${name}.scales`];
    await expectRefused(
      gpu,
      'gptq',
      (tensors) => delete tensors[scales],
      'FILE_INVALID',
      `There is no tensor "${scales}"`,
    );
    await expectRefused(
      gpu,
      'gptq',
      (tensors) => (tensors[scales] = resized(tensors[scales]!, [3, 96])),
      'FILE_INVALID',
      scales,
      '(3, 96)',
      '(2, 96)',
    );
    await expectRefused(
      gpu,
      'gptq',
      (tensors) => (tensors[zeros] = { ...tensors[zeros]!, dtype: 'F32' }),
      'FILE_INVALID',
      zeros,
      'F32',
    );
    for (const [half, value] of [
      [0, 'of 0'],
      [0x7e00, 'that is no number'],
      [0x7c00, 'of Infinity'],
    ] as const) {
      await expectRefused(
        gpu,
        'gptq',
        (tensors) => (tensors[scales] = withHalf(tensors[scales]!, 100, half)),
        'FILE_INVALID',
        scales,
        `a scale ${value}`,
      );
    }
    const index = `${name}.g_idx`;
    const change = (tensors: Record<string, StoredTensor>): void => {
      const other = tensors['model.layers.1.self_attn.q_proj.g_idx'];
      tensors[index] = withHalf(other!, 0, 7);
    };
    await expectRefused(gpu, 'gptq_act_order', change, 'FILE_INVALID', index, '2 groups');
    await expectRefused(gpu, 'gptq', change, 'FILE_INVALID', index, '2 groups');
    const shorter = (tensors: Record<string, StoredTensor>): void => {
      for (const [key, shape] of [
        [`${name}.qweight`, [7, 96]],
        [index, [56]],
      ] as const) {
        tensors[key] = resized(tensors[key]!, shape);
      }
    };
    await expectRefused(gpu, 'gptq', shorter, 'TENSOR_MISMATCH', name, '(96, 56)', '(96, 64)');
    // Columns of the groups of matrices that are multiplied together.
    const unlike = (tensors: Record<string, StoredTensor>): void => {
      const [one, two] = ['q_proj', 'up_proj'].map((each) =>
        Object.keys(tensors).find((key) => key.endsWith(`${each}.g_idx`)),
      );
      tensors[one!] = tensors[two!]!;
    };
    await expectRefused(gpu, 'gptq_act_order', unlike, 'MODEL_UNSUPPORTED', 'self_attn', "'f16'");
  }));
