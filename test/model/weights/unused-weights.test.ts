// Tensors that config.json does not call for: layers are refused, the rest is told, as far as anybody
// needs to know. Which are silent goes by the lists of Hugging Face's classes (transformers 5.24).
import { expect, test } from 'vitest';
import { openCheckpoint } from '../../../src/model/open-checkpoint.ts';
import { Warnings } from '../../../src/model/warnings.ts';
import { withTensors } from '../../support/entries.ts';
import { expectRejection } from '../../support/rejection.ts';
import { counting } from '../../support/safetensors.ts';
import { fixtureFiles, memorySource, withFields } from '../../support/source.ts';

interface Changes {
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly added?: readonly string[];
}

async function warningsOf(
  folder: string,
  { fields = {}, added = [] }: Changes,
): Promise<readonly string[]> {
  const files = await fixtureFiles(folder, ['config.json', 'model.safetensors']);
  const tensors = Object.fromEntries(added.map((name) => [name, counting(8, 1)]));
  const source = memorySource({
    'config.json': withFields(files['config.json'], fields),
    'model.safetensors': withTensors(files['model.safetensors']!, tensors),
  });
  const warnings = new Warnings();
  await openCheckpoint(source, { heads: undefined, warnings, signal: undefined });
  return warnings.texts;
}

test.each([
  ['bert_base', 'num_hidden_layers', 'encoder.layer.1'],
  ['distilbert_seqcls', 'n_layers', 'transformer.layer.1'],
  ['gpt2', 'n_layer', 'h.1'],
  ['llama_gqa', 'num_hidden_layers', 'model.layers.1'],
  ['bart', 'decoder_layers', 'model.decoder.layers.1'],
  ['t5_gated', 'num_layers', 'encoder.block.1'],
  ['torch_transformer_pre_gelu', 'num_encoder_layers', 'encoder.layers.1'],
])('%s: layers beyond %s are refused', async (folder, field, layer) => {
  const fewer = warningsOf(folder, { fields: { [field]: 1, layer_types: undefined } });
  await expectRejection(fewer, 'TENSOR_MISMATCH', `${layer}"`, 'calls for 1 layers');
});

test.each([
  ['bert_base', ['embeddings.position_ids']],
  ['gpt2', ['h.0.attn.bias', 'transformer.h.1.attn.masked_bias', 'h.0.crossattention.bias']],
  ['llama_gqa', ['model.layers.0.self_attn.rotary_emb.inv_freq']],
  ['bart', ['model.encoder.version', 'decoder.version']],
  ['marian', ['model.decoder.embed_positions.weight']],
  ['t5_gated', ['decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight']],
])('%s: buffers that nobody needs are no news', async (folder, added) => {
  expect(await warningsOf(folder, { added })).toEqual([]);
});

test('an encoder alone has no use for the decoder, and says nothing of it', async () => {
  const fields = { architectures: ['T5EncoderModel'] };
  const [warning, ...others] = await warningsOf('t5_relu', { fields, added: ['lm_head.bias2'] });
  expect(others).toEqual([]);
  expect(warning).toMatch(/^model\.safetensors \(in memory\): T5EncoderModel does not use /);
  expect(warning).toContain('lm_head.bias2');
  expect(warning).not.toContain('decoder.block');
});

test('all else is told, the first names and how many more there are', async () => {
  const added = Array.from({ length: 20 }, (_, i) => `extra${i}\u0000${'x'.repeat(300)}`);
  const [warning, ...others] = await warningsOf('bert_seqcls', { added });
  expect(others).toEqual([]);
  expect(warning).toMatch(/BertForSequenceClassification does not use "extra/);
  expect(warning).toMatch(/ and 14 more\.$/);
  expect(warning!.length).toBeLessThan(800);
});

test('heads of other classes and parts of layers that are there are told', async () => {
  const head = await warningsOf('bert_seqcls', { fields: { architectures: ['BertModel'] } });
  expect(head.join()).toContain('BertModel does not use "classifier.bias", "classifier.weight".');
  const added = ['encoder.layer.0.adapter.weight'];
  expect((await warningsOf('bert_base', { added })).join()).toContain(added[0]);
});
