// Quantised files that say what is not read, and files that lie: each is refused, and nothing stays allocated.
import { test } from 'vitest';
import { testGpus, withGpu } from '../../../support/gpu.ts';
import {
  expectFieldsRefused,
  expectRefused,
  resized,
  withHalf,
} from '../../../support/quantized.ts';
import type { StoredTensor } from '../../../support/safetensors.ts';

const [{ options: usual } = { options: {} }] = await testGpus();

const weights = (fields: Readonly<Record<string, unknown>>): unknown => ({
  group_0: {
    targets: ['Linear'],
    weights: { num_bits: 4, type: 'int', strategy: 'group', group_size: 32, ...fields },
  },
});

test('what is not read is refused by method and field', () =>
  withGpu(usual, async (gpu) => {
    await expectFieldsRefused(gpu, 'awq', 'AWQ', {
      bits: 8,
      version: 'gemv',
      zero_point: false,
      group_size: 40,
    });
    await expectFieldsRefused(gpu, 'mlx', 'MLX', { bits: 3, group_size: 24, mode: 'nvfp4' });
    await expectFieldsRefused(gpu, 'ct_int4', 'compressed-tensors', {
      format: 'nvfp4-pack-quantized',
      transform_config: { config_groups: { u: {} } },
    });
    for (const [field, value] of [
      ['num_bits', 3],
      ['strategy', 'tensor_group'],
      ['actorder', 'sideways'],
    ] as const) {
      const change = { config_groups: weights({ [field]: value }) };
      const parts = ['compressed-tensors', 'group_0', `"${field}"`, JSON.stringify(value)];
      await expectRefused(gpu, 'ct_int4', change, 'MODEL_UNSUPPORTED', ...parts);
    }
    const sparse = { sparsity_config: { format: 'sparse-24-bitmask' } };
    await expectRefused(gpu, 'ct_int4', sparse, 'MODEL_UNSUPPORTED', 'sparse-24-bitmask');
    await expectFieldsRefused(gpu, 'fp8_block', 'FP8', { weight_block_size: [128, 24] });
  }));

type Tensors = Record<string, StoredTensor>;

/** The change of one tensor of the first layer. */
function changed(
  end: string,
  change: (tensor: StoredTensor) => StoredTensor,
): (all: Tensors) => void {
  return (all) => {
    const name = `model.layers.0.self_attn.q_proj${end}`;
    all[name] = change(all[name]!);
  };
}

function without(end: string): (all: Tensors) => void {
  return (all) => delete all[`model.layers.0.self_attn.q_proj${end}`];
}

const filled =
  (byte: number) =>
  (tensor: StoredTensor): StoredTensor => ({
    ...tensor,
    bytes: new Uint8Array(tensor.bytes.length).fill(byte),
  });

/** A fixture, what is done to it, and what the message says. */
const lies: readonly (readonly [
  name: string,
  change: (all: Tensors) => void,
  ...parts: string[],
])[] = [
  ['awq', without('.qzeros'), 'no tensor', '.qzeros'],
  ['awq', changed('.scales', (one) => resized(one, [1, 64])), '(1, 64)', '(2, 64)'],
  ['awq', changed('.scales', (one) => withHalf(one, 5, 0)), 'of 0'],
  ['awq', changed('.qweight', (one) => resized(one, [40, 8])), '40 rows', 'groups of 32'],
  ['mlx', without('.biases'), 'no tensor', '.biases'],
  ['mlx', changed('.scales', (one) => resized(one, [64, 1])), '(64, 1)', '(64, 2)'],
  ['mlx', changed('.biases', (one) => withHalf(one, 3, 0x7e00)), 'no number'],
  ['mlx', changed('.weight', (one) => ({ ...one, dtype: 'F32' })), 'F32', 'U32'],
  ['bnb_nf4', without('.weight.absmax'), 'no tensor', '.weight.absmax'],
  ['bnb_nf4', without('.weight.nested_absmax'), 'no tensor', '.nested_absmax'],
  ['bnb_nf4', changed('.weight.absmax', (one) => resized(one, [50])), '50 scales', '4096'],
  ['bnb_nf4', changed('.weight.nested_absmax', filled(255)), 'no number'],
  ['bnb_nf4', changed('.weight.quant_state.bitsandbytes__nf4', filled(0x20)), 'JSON'],
  ['bnb_fp4', changed('.weight.quant_map', filled(0)), 'table'],
  ['bnb_int8', without('.SCB'), 'no tensor', '.SCB'],
  ['bnb_int8', changed('.SCB', (one) => resized(one, [32])), '(32)', '(64)'],
  ['bnb_int8', changed('.SCB', filled(255)), 'no number'],
  ['ct_int4', without('.weight_scale'), 'no tensor', '.weight_scale'],
  ['ct_int4', without('.weight_shape'), 'no tensor', '.weight_shape'],
  ['ct_int4', changed('.weight_scale', (one) => resized(one, [64, 3])), '(64, 3)'],
  ['ct_int4', changed('.weight_scale', filled(0)), 'of 0'],
  ['ct_int4', changed('.weight_zero_point', (one) => resized(one, [4, 2])), '(64, 2)'],
  ['ct_int4', changed('.weight_shape', filled(0)), '.weight_shape', '(64, 64)'],
  ['ct_w8a8', changed('.weight_scale', (one) => resized(one, [64, 2])), '(64, 2)'],
  ['ct_fp8', changed('.weight_scale', (one) => resized(one, [32, 1])), '(32, 1)'],
  ['ct_fp8', changed('.weight_scale', filled(255)), 'no number'],
  ['fp8_block', changed('.weight_scale_inv', (one) => resized(one, [1, 1])), '(1, 1)'],
  ['fp8_block', changed('.weight_scale_inv', filled(0)), 'of 0'],
  ['mxfp4', without('.weight_scales'), 'no tensor', '.weight_scales'],
  ['mxfp4', changed('.weight_scales', filled(255)), 'no number'],
  ['mxfp4', changed('.weight_scales', (one) => resized(one, [64, 1])), '(64, 1)', '(64, 2)'],
  ['mxfp4', changed('.weight_blocks', (one) => resized(one, [64, 2, 15])), '(64, 2, 15)'],
];

test('files that lie', () =>
  withGpu(usual, async (gpu) => {
    for (const [name, change, ...parts] of lies) {
      await expectRefused(gpu, name, change, 'FILE_INVALID', ...parts);
    }
  }));
