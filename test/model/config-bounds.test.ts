// Numbers of config.json that something would be computed by before its tensors are looked at.
import { expect, test } from 'vitest';
import { openCheckpoint } from '../../src/model/open-checkpoint.ts';
import { Warnings } from '../../src/model/warnings.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureFiles, memorySource, withFields } from '../support/source.ts';

async function open(folder: string, fields: Record<string, unknown>): Promise<unknown> {
  const files = await fixtureFiles(folder, ['config.json', 'model.safetensors']);
  const config = withFields(files['config.json'], fields);
  const source = memorySource({ ...files, 'config.json': config });
  return openCheckpoint(source, { heads: undefined, warnings: new Warnings(), signal: undefined });
}

test.each([
  ['llama_gqa', { partial_rotary_factor: 1e9 }, 'partial_rotary_factor'],
  ['llama_gqa', { partial_rotary_factor: -1 }, 'partial_rotary_factor'],
  ['llama_gqa', { partial_rotary_factor: 1e308 }, 'partial_rotary_factor'],
  ['llama_gqa', { head_dim: 2 ** 31 - 2 }, 'at most 65536'],
  ['llama_gqa', { num_hidden_layers: 1e9 }, 'at most 10000'],
  ['llama_gqa', { num_hidden_layers: 2 ** 40 }, 'at most 10000'],
  ['gpt2', { n_layer: 1e9 }, 'at most 10000'],
  ['bert_base', { num_hidden_layers: 1e9 }, 'at most 10000'],
  ['bart', { encoder_layers: 1e9 }, 'at most 10000'],
  ['t5_gated', { relative_attention_max_distance: 1e9 }, 'at most 65536'],
  ['t5_gated', { num_decoder_layers: 1e9 }, 'at most 10000'],
  ['gpt2', { vocab_size: 2 ** 53 - 1 }, 'vocab_size'],
] as const)('%s with %j', async (folder, fields, part) => {
  await expectRejection(open(folder, fields), 'CONFIG_INVALID', part);
});

const yarn = { rope_type: 'yarn', factor: 2, original_max_position_embeddings: 16 };
const llama3 = { rope_type: 'llama3', factor: 2, low_freq_factor: 1, high_freq_factor: 4 };
const long = { rope_type: 'longrope', factor: 2, short_factor: [], long_factor: [] };

test.each([
  ['bert_base', { layer_norm_eps: -1e-12 }, 'layer_norm_eps'],
  ['bert_base', { layer_norm_eps: 0 }, 'layer_norm_eps'],
  ['roberta_base', { layer_norm_eps: -1 }, 'layer_norm_eps'],
  ['gpt2', { layer_norm_epsilon: -1 }, 'layer_norm_epsilon'],
  ['t5_gated', { layer_norm_epsilon: 0 }, 'layer_norm_epsilon'],
  ['llama_gqa', { rms_norm_eps: -1e-6 }, 'rms_norm_eps'],
  ['torch_transformer_pre_gelu', { layer_norm_eps: -1 }, 'layer_norm_eps'],
  ['gpt2', { attn_pdrop: -0.1 }, 'attn_pdrop'],
  ['llama_gqa', { rope_scaling: { rope_type: 'linear', factor: -2 } }, 'factor'],
  ['llama_gqa', { rope_scaling: { rope_type: 'dynamic', factor: 0 } }, 'factor'],
  ['llama_gqa', { rope_scaling: { ...yarn, factor: -1 } }, 'factor'],
  ['llama_gqa', { rope_scaling: { ...yarn, beta_fast: -32 } }, 'beta_fast'],
  ['llama_gqa', { rope_scaling: { ...yarn, attention_factor: -1 } }, 'attention_factor'],
  ['llama_gqa', { rope_scaling: { ...yarn, mscale: -1 } }, 'mscale'],
  ['llama_gqa', { rope_scaling: { ...llama3, low_freq_factor: -1 } }, 'low_freq_factor'],
  ['llama_gqa', { rope_scaling: long }, 'short_factor'],
  ['bert_base', { architectures: 5 }, 'architectures'],
  ['bert_base', { architectures: {} }, 'architectures'],
  ['bert_base', { architectures: [7] }, 'architectures'],
] as const)('%s refuses %j', async (folder, fields, part) => {
  await expectRejection(open(folder, fields), 'CONFIG_INVALID', `"${part}" is `);
});

test('bands of Llama 3.1 that are turned around', async () => {
  const rope_scaling = { ...llama3, high_freq_factor: 1 };
  const turned = open('llama_gqa', { rope_scaling });
  await expectRejection(turned, 'CONFIG_INVALID', 'high_freq_factor', 'low_freq_factor');
});

test('tables of positions have a bound', async () => {
  const wide = open('marian', { max_position_embeddings: 1e9 });
  await expectRejection(wide, 'LIMIT_EXCEEDED', 'max_position_embeddings');
});

test('no rotation is without a base', async () => {
  for (const rope_theta of [0, -1]) {
    await expectRejection(open('llama_gqa', { rope_theta }), 'CONFIG_INVALID', 'rope_theta');
  }
});

test('usual numbers are taken', async () => {
  expect(await open('t5_gated', {})).toBeDefined();
  expect(await open('llama_gqa', { rope_theta: 1e6 })).toBeDefined();
});
