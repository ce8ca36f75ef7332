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
  ['llama_gqa', { head_dim: 2 ** 31 - 2 }, '65536 at most'],
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

test('tables of positions have a bound', async () => {
  const wide = open('marian', { max_position_embeddings: 1e9 });
  await expectRejection(wide, 'LIMIT_EXCEEDED', 'max_position_embeddings');
});

test('no rotation is without a base', async () => {
  for (const rope_theta of [0, -1]) {
    await expectRejection(open('llama_gqa', { rope_theta }), 'MODEL_UNSUPPORTED', 'rope_theta');
  }
});

test('usual numbers are taken', async () => {
  expect(await open('t5_gated', {})).toBeDefined();
  expect(await open('llama_gqa', { rope_theta: 1e6 })).toBeDefined();
});
