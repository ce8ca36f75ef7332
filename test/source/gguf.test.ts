// GGUF files as folders: tokenizers as Python makes them, addresses, what is refused, and files that lie.
import { expect, test } from 'vitest';
import { ggufSource } from '../../src/source/gguf/gguf-address.ts';
import { GgufSource } from '../../src/source/gguf/gguf-source.ts';
import { openSource } from '../../src/source/open-source.ts';
import { openSafetensors, readTensors } from '../../src/source/safetensors.ts';
import { readJson, type Source } from '../../src/source/source.ts';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { readFixture, readFixtureJson } from '../support/fixture.ts';
import { type GgufContent, ggufFile } from '../support/gguf.ts';
import { expectRejection } from '../support/rejection.ts';
import { memorySource } from '../support/source.ts';

const texts = async (name: string): Promise<{ text: string; ids: number[]; decoded: string }[]> =>
  ((await readFixtureJson(`gguf/${name}.json`)) as { texts: [] }).texts;

async function fixture(name: string): Promise<Source> {
  const file = `${name}.gguf`;
  return new GgufSource(memorySource({ [file]: await readFixture(`gguf/${file}`) }), file);
}

test.each(['llama_k', 'llama_bpe', 'gemma2'])('the tokenizer of %s', async (name) => {
  const tokenizer = await Tokenizer.load(await fixture(name), undefined);
  for (const { text, ids, decoded } of await texts(name)) {
    expect([text, ...tokenizer.encode(text)]).toEqual([text, ...ids]);
    expect(tokenizer.decode(ids, { skipSpecialTokens: false })).toBe(decoded);
  }
});

test('the tokenizer of Qwen normalizes, as that of the folder does which the file was made from', async () => {
  const tokenizer = await Tokenizer.load(await fixture('qwen3'), undefined);
  for (const { text, ids } of await texts('qwen3')) {
    const isComposed = text === text.normalize('NFC');
    expect([text, [...tokenizer.encode(text)].join() === ids.join()]).toEqual([text, isComposed]);
  }
  expect([...tokenizer.encode('e\u0301')]).toEqual([...tokenizer.encode('\u00e9')]);
});

/** A model of one layer, 32 wide, in F32 but for what is changed. */
function tiny(change: Partial<GgufContent> = {}): GgufContent {
  const tensor = (...shape: number[]): GgufContent['tensors'][string] => ({
    type: 0,
    shape,
    bytes: new Uint8Array(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5).buffer),
  });
  const square = ['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down'];
  return {
    metadata: {
      'general.architecture': 'llama',
      'llama.context_length': 16,
      'llama.embedding_length': 32,
      'llama.block_count': 1,
      'llama.feed_forward_length': 32,
      'llama.attention.head_count': 2,
      'llama.attention.layer_norm_rms_epsilon': 1.5e-5,
      'tokenizer.ggml.model': 'gpt2',
      'tokenizer.ggml.pre': 'gpt-2',
      'tokenizer.ggml.tokens': ['a', 'b', 'ab', '<end>', '<turn>'],
      'tokenizer.ggml.token_type': [1, 1, 1, 3, 3],
      'tokenizer.ggml.merges': ['a b'],
      'tokenizer.ggml.eos_token_id': 3,
      'tokenizer.ggml.eot_token_id': 4,
      ...change.metadata,
    },
    tensors: {
      'token_embd.weight': tensor(5, 32),
      'output_norm.weight': tensor(32),
      'blk.0.attn_norm.weight': tensor(32),
      'blk.0.ffn_norm.weight': tensor(32),
      ...Object.fromEntries(square.map((part) => [`blk.0.${part}.weight`, tensor(32, 32)])),
      ...change.tensors,
    },
  };
}

function sourceOf(bytes: Uint8Array<ArrayBuffer>, name: string = 'tiny.gguf'): Source {
  return new GgufSource(memorySource({ [name]: bytes }), name);
}

const open = (content: GgufContent): Source => sourceOf(ggufFile(content));

test('config.json, generation_config.json and a tokenizer from metadata', async () => {
  const source = open(
    tiny({
      metadata: { 'llama.rope.scaling.type': 'linear', 'llama.rope.scaling.factor': 4 },
      tensors: {},
    }),
  );
  expect(await readJson(source, 'config.json')).toMatchObject({
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: 5,
    hidden_size: 32,
    head_dim: 16,
    num_key_value_heads: 2,
    rms_norm_eps: Math.fround(1.5e-5),
    rope_theta: 10_000,
    rope_scaling: { rope_type: 'linear', factor: 4 },
    tie_word_embeddings: true,
    attention_bias: false,
  });
  // Both tokens that end: of the text, and of a turn.
  expect(await readJson(source, 'generation_config.json')).toEqual({ eos_token_id: [3, 4] });
  const tokenizer = await Tokenizer.load(source, undefined);
  expect([...tokenizer.encode('abba<turn>')]).toEqual([2, 1, 0, 4]);
  expect(await source.read('model.bin')).toBeUndefined();
  expect(await source.list?.()).toContain('model.safetensors');
  source.release?.();
});

test('weights by ranges are those of the whole, rows of heads put apart', async () => {
  const rows = Float32Array.from({ length: 32 * 32 }, (_, i) => Math.floor(i / 32));
  const bytes = new Uint8Array(rows.buffer);
  const source = open(
    tiny({ metadata: {}, tensors: { 'blk.0.attn_q.weight': { type: 0, shape: [32, 32], bytes } } }),
  );
  const entries = await openSafetensors(source);
  const name = 'model.layers.0.self_attn.q_proj.weight';
  const entry = entries.get(name)!;
  // The first half of a head has the rows of even numbers.
  const head = Array.from({ length: 16 }, (_, i) => 2 * (i % 8) + Math.floor(i / 8));
  const wanted = [...head, ...head.map((row) => row + 16)];
  for (const chunkBytes of [8, 104, 4096]) {
    const found = new Uint8Array(bytes.length);
    for await (const { offset, bytes: piece } of readTensors(source, [entry], { chunkBytes })) {
      found.set(piece, offset);
    }
    const values = new Float32Array(found.buffer);
    expect(wanted.map((_, row) => values[32 * row])).toEqual(wanted);
  }
});

test.each([
  ['https://host.test/a/b%20c.gguf?key=1#top', 'https://host.test/a/?key=1', 'b c.gguf'],
  ['hf:owner/name/sub/Model-Q4_K_M.gguf', 'hf:owner/name', 'sub/Model-Q4_K_M.gguf'],
  ['hf:owner/name@v1/Model.GGUF', 'hf:owner/name@v1', 'Model.GGUF'],
  ['models\\a b.gguf', 'models\\', 'a b.gguf'],
  ['a%20b.gguf', './', 'a%20b.gguf'],
])('%s is a file of a folder', (address, folder, file) => {
  const opened: unknown[] = [];
  const source = ggufSource(address, address, (given) => {
    opened.push(given);
    return memorySource({});
  });
  expect(source.name).toBe(`${file} (in memory)`);
  expect(opened).toEqual([folder]);
});

test('a file alone in a list stands for its folder, others do not', async () => {
  const files = [new File([ggufFile(tiny())], 'tiny.gguf')];
  const source = openSource(files);
  expect(await readJson(source, 'config.json')).toMatchObject({ model_type: 'llama' });
  const several = openSource([...files, new File(['{}'], 'config.json')]);
  expect(await readJson(several, 'config.json')).toEqual({});
});

test('what is not read is refused by its key', async () => {
  const expectRefused = (
    metadata: GgufContent['metadata'],
    file: string,
    ...parts: string[]
  ): Promise<void> =>
    expectRejection(
      readJson(open(tiny({ metadata, tensors: {} })), file),
      'MODEL_UNSUPPORTED',
      ...parts,
    );
  await expectRefused({ 'general.architecture': 'mamba' }, 'config.json', '"mamba"', 'gemma3');
  await expectRefused(
    { 'llama.rope.scaling.type': 'su', 'llama.rope.scaling.factor': 2 },
    'config.json',
    '"su"',
    'yarn',
  );
  await expectRefused({ 'split.count': 3 }, 'config.json', '"split.count" is 3', 'several files');
  await expectRefused({ 'llama.logit_scale': 0.25 }, 'config.json', 'llama.logit_scale', '0.25');
  await expectRefused({ 'llama.attention.value_length': 8 }, 'config.json', 'value_length', '16');
  await expectRefused(
    { 'tokenizer.ggml.pre': 'viking' },
    'tokenizer.json',
    '"viking"',
    'llama-bpe',
  );
  await expectRefused({ 'tokenizer.ggml.model': 'rwkv' }, 'tokenizer.json', '"rwkv"');
});

test('types that are not read are named', async () => {
  const odd = { type: 16, shape: [1, 256], bytes: new Uint8Array(66) };
  const file = open(tiny({ metadata: {}, tensors: { 'blk.0.attn_q.weight': odd } }));
  const parts = ['blk.0.attn_q.weight', 'IQ2_XXS', 'Q4_K'];
  await expectRejection(openSafetensors(file), 'MODEL_UNSUPPORTED', ...parts);
});

test('files that lie', async () => {
  const whole = ggufFile(tiny());
  const changed = (change: (bytes: Uint8Array<ArrayBuffer>) => void): Source => {
    const bytes = whole.slice();
    change(bytes);
    return sourceOf(bytes);
  };
  const invalid = (source: Source, ...parts: string[]): Promise<void> =>
    expectRejection(openSafetensors(source), 'FILE_INVALID', 'tiny.gguf', ...parts);
  await invalid(
    changed((bytes) => bytes.fill(0, 0, 4)),
    'does not begin with "GGUF"',
  );
  await invalid(
    changed((bytes) => (bytes[4] = 9)),
    'version',
  );
  await expectRejection(openSafetensors(sourceOf(whole.slice(0, -1))), 'FILE_TRUNCATED', 'cut off');
  await expectRejection(
    openSafetensors(sourceOf(whole.slice(0, 300))),
    'FILE_TRUNCATED',
    'cut off',
  );
  const missing = new GgufSource(memorySource({}), 'tiny.gguf');
  await expectRejection(openSafetensors(missing), 'FILE_NOT_FOUND', 'tiny.gguf');
  const tensor = (
    type: number,
    shape: number[],
    bytes: number,
  ): GgufContent['tensors'][string] => ({
    type,
    shape,
    bytes: new Uint8Array(bytes),
  });
  const withTensor = (name: string, own: GgufContent['tensors'][string]): Source =>
    open(tiny({ metadata: {}, tensors: { [name]: own } }));
  await invalid(withTensor('blk.0.ffn_up.weight', tensor(2, [32, 33], 0)), 'ffn_up', '33', '32');
  await invalid(withTensor('blk.0.ffn_up.weight', tensor(0, [32, 32], 4)), 'overlap');
  await invalid(
    withTensor('blk.0.attn_q.weight', tensor(0, [33, 32], 33 * 128)),
    'attn_q',
    '33 rows',
  );
  const far = ggufFile(tiny());
  const second = new TextDecoder('latin1').decode(far).indexOf('output_norm.weight');
  // Behind the name: how many sides, the one, the type, and where it lies.
  new DataView(far.buffer).setBigUint64(
    second + 'output_norm.weight'.length + 16,
    10_000_000n,
    true,
  );
  const longer = new Uint8Array(10_010_000);
  longer.set(far);
  await invalid(sourceOf(longer), 'without a tensor between');
  const odd = withTensor('rope_freqs.weight', tensor(1, [8], 16));
  await expectRejection(readJson(odd, 'config.json'), 'FILE_INVALID', 'rope_freqs.weight');
  for (const [key, value] of [
    ['llama.block_count', 'two'],
    ['tokenizer.ggml.tokens', 7],
    ['tokenizer.ggml.add_bos_token', 'yes'],
    ['tokenizer.ggml.token_type', ['a']],
  ] as const) {
    const source = open(tiny({ metadata: { [key]: value }, tensors: {} }));
    const file = key.startsWith('llama') ? 'config.json' : 'tokenizer.json';
    await expectRejection(readJson(source, file), 'FILE_INVALID', key);
  }
});
