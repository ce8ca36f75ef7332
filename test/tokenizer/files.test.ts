// What a tokenizer reads from its files, the roles of tokens, and what it refuses.
import { expect, test } from 'vitest';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { expectRejection } from '../support/rejection.ts';
import { memorySource } from '../support/source.ts';
import { loadTokenizer, tokenizerFiles } from '../support/tokenizer.ts';

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const load = (files: Record<string, Uint8Array<ArrayBuffer>>): Promise<Tokenizer> =>
  Tokenizer.load(memorySource(files), undefined);

const roles = ['pad', 'cls', 'sep', 'mask', 'unk', 'bos', 'eos'] as const;
const idsOf = (tokenizer: Tokenizer): (number | undefined)[] =>
  roles.map((role) => tokenizer[`${role}Token`]);

test.each([
  ['wordpiece', {}, [0, 2, 3, 4, 1, undefined, undefined]],
  ['unigram', {}, [1, 0, 2, 185, 3, 0, 2]],
  ['llama', {}, [undefined, undefined, undefined, undefined, 0, 1, 2]],
  ['byte_vocab', { tokenizer_class: 'RobertaTokenizer' }, [1, 0, 2, 4, 3, 0, 2]],
  [
    'byte_vocab',
    { tokenizer_class: 'GPT2Tokenizer' },
    [undefined, undefined, undefined, undefined, 5, 5, 5],
  ],
] as const)('%s %j has the roles of Hugging Face', async (folder, config, wanted) => {
  expect(idsOf(await loadTokenizer(folder, config))).toEqual(wanted);
});

test('roles that the configuration leaves out follow from the template and usual spellings', async () => {
  const files = await tokenizerFiles('wordpiece');
  const bare = await load({ 'tokenizer.json': files['tokenizer.json']! });
  expect(idsOf(bare)).toEqual([0, 2, 3, 4, 1, undefined, undefined]);
  const mapped = await load({
    'tokenizer.json': files['tokenizer.json']!,
    'special_tokens_map.json': bytes('{"eos_token":{"content":"[SEP]"},"pad_token":"[MASK]"}'),
  });
  expect([mapped.eosToken, mapped.padToken]).toEqual([3, 4]);
});

test('padding side and length come from the configuration', async () => {
  const llama = await loadTokenizer('llama');
  expect([llama.paddingSide, llama.maxLength]).toEqual(['left', 2048]);
  const chat = await loadTokenizer('chat');
  expect([chat.paddingSide, chat.maxLength]).toEqual(['right', undefined]);
});

test('added tokens that only the configuration has come behind the vocabulary, whatever its ids', async () => {
  const tokenizer = await loadTokenizer('wordpiece', {
    added_tokens_decoder: { 900: { content: '<new>', special: true } },
  });
  const size = [...tokenizer.vocabulary()].length;
  expect(tokenizer.encode('a <new>')).toContain(size - 1);
  const files = await tokenizerFiles('bert_vocab');
  const old = await load({ ...files, 'added_tokens.json': bytes('{"Würstchen":901}') });
  const last = [...old.vocabulary()].length - 1;
  expect(old.encode('ein Würstchen')).toContain(last);
  expect(old.encode('ein würstchen')).toContain(last);
});

/** A tokenizer of this model with these parts of tokenizer.json. */
function small(model: object, parts: object = {}, config: object = {}): Promise<Tokenizer> {
  const plain = { tokenizer_class: 'PreTrainedTokenizerFast', ...config };
  return load({
    'tokenizer.json': bytes(JSON.stringify({ model, ...parts })),
    'tokenizer_config.json': bytes(JSON.stringify(plain)),
  });
}

// The ids, spans and texts below are those of tokenizers 0.23.3 and transformers 5.24.
test('what a Unigram vocabulary lacks is spelled in bytes where it has them all', async () => {
  const vocab = [
    ['<unk>', 0],
    ['a', -1],
    ['b', -2],
    ['ab', -2.5],
  ];
  const spelled = ['<0xC3>', '<0xA9>', '<0x0A>'].map((token) => [token, -9]);
  const decoders = [{ type: 'ByteFallback' }, { type: 'Fuse' }];
  const tokenizer = await small(
    { type: 'Unigram', unk_id: 0, byte_fallback: true, vocab: [...vocab, ...spelled] },
    { decoder: { type: 'Sequence', decoders } },
  );
  const { ids, offsets } = tokenizer.encoding('abé\n');
  expect([ids, offsets]).toEqual([
    [3, 4, 5, 6],
    [
      [0, 2],
      [2, 4],
      [2, 4],
      [2, 4],
    ],
  ]);
  expect(tokenizer.encode('aéb')).toEqual([1, 4, 5, 2]);
  expect(tokenizer.encode('axé')).toEqual([1, 0]);
});

test.each([
  [{ vocab: { a: 0, b: 1, ab: 2 }, merges: ['a b'] }, [2]],
  [
    {
      vocab: { '[UNK]': 0, a: 1, '##b': 2 },
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
    },
    [1, 2],
  ],
  [
    {
      vocab: [
        ['<unk>', 0],
        ['a', -1],
        ['b', -1],
      ],
      unk_id: 0,
    },
    [1, 2],
  ],
  [{ vocab: { ab: 0, x: 1 }, unk_token: 'x' }, [0]],
])('a model without a type is known by its parts', async (model, wanted) => {
  expect((await small(model)).encode('ab')).toEqual(wanted);
});

test('tokens that the configuration names are special, those that are new come last', async () => {
  const model = {
    type: 'WordLevel',
    vocab: { a: 0, '[UNK]': 1, end: 2, pad: 3 },
    unk_token: '[UNK]',
  };
  const parts = {
    pre_tokenizer: { type: 'WhitespaceSplit' },
    added_tokens: [{ id: 2, content: 'end', special: false, normalized: false }],
  };
  const tokenizer = await small(model, parts, {
    eos_token: 'end',
    pad_token: 'pad',
    image_token: 'img',
    extra_special_tokens: ['more'],
    unk_token: null,
  });
  expect(tokenizer.encode('a end pad img more zz')).toEqual([0, 2, 3, 4, 5, 1]);
  expect(tokenizer.decode([0, 2, 3, 4, 5, 0])).toBe('a a');
  expect(tokenizer.decode([0, 2], { skipSpecialTokens: false })).toBe('a end');
});

test('sides come from tokenizer.json where the configuration says nothing', async () => {
  const model = { type: 'WordLevel', vocab: { a: 0, b: 1, c: 2 }, unk_token: 'c' };
  const parts = {
    pre_tokenizer: { type: 'WhitespaceSplit' },
    padding: { direction: 'Left' },
    truncation: { direction: 'Left' },
  };
  const tokenizer = await small(model, parts);
  expect(tokenizer.paddingSide).toBe('left');
  expect(tokenizer.encode('a b c', undefined, { maxLength: 2 })).toEqual([1, 2]);
});

test('an empty second text is none', async () => {
  const tokenizer = await loadTokenizer('wordpiece');
  expect(tokenizer.encode('a', '')).toEqual(tokenizer.encode('a'));
});

test('no special tokens on request, and long texts cut between them', async () => {
  const tokenizer = await loadTokenizer('wordpiece');
  const whole = tokenizer.encode('the cat is in the house');
  const bare = tokenizer.encode('the cat is in the house', undefined, { addSpecialTokens: false });
  expect(whole).toEqual([tokenizer.clsToken, ...bare, tokenizer.sepToken]);
  const cut = tokenizer.encode('the cat is in the house', undefined, { maxLength: 4 });
  expect(cut).toEqual([tokenizer.clsToken, ...bare.slice(0, 2), tokenizer.sepToken]);
});

test('a list of words is a model too', async () => {
  const model = { type: 'WordLevel', vocab: { a: 0, '[UNK]': 1, 'b,': 2 }, unk_token: '[UNK]' };
  const json = { model, pre_tokenizer: { type: 'WhitespaceSplit' } };
  const tokenizer = await load({ 'tokenizer.json': bytes(JSON.stringify(json)) });
  const { ids, offsets } = tokenizer.encoding('a b, c');
  expect(ids).toEqual([0, 2, 1]);
  expect(offsets).toEqual([
    [0, 1],
    [2, 4],
    [5, 6],
  ]);
});

test('ids outside the vocabulary decode to nothing', async () => {
  const tokenizer = await loadTokenizer('chat');
  const ids = tokenizer.encode('the cat');
  expect(tokenizer.decode([...ids, 99_999, -1])).toBe('the cat');
  expect(tokenizer.decode([])).toBe('');
});

test('spaces are cleaned up where the configuration says so, and never for BPE', async () => {
  const decode = async (folder: string): Promise<string> => {
    const tokenizer = await loadTokenizer(folder, { clean_up_tokenization_spaces: true });
    return tokenizer.decode(tokenizer.encode("house . isn 't"));
  };
  expect(await decode('unigram')).toBe("house. isn 't");
  expect(await decode('chat')).toBe("house . isn 't");
});

test.each([
  [{}, ['tokenizer.json', 'vocab.txt', 'merges.txt']],
  [{ 'vocab.json': bytes('{}') }, ['tokenizer.json', 'vocab.json with merges.txt']],
  [{ 'spiece.model': bytes('x') }, ['spiece.model', 'AutoTokenizer', 'save_pretrained']],
  [{ 'source.spm': bytes('x'), 'vocab.json': bytes('{}') }, ['source.spm', 'Marian']],
])('missing files %j are named, with the next step', async (files, parts) => {
  await expectRejection(load(files), 'FILE_NOT_FOUND', ...parts);
});

test.each([
  ['vocab.txt', { tokenizer_class: 'BertJapaneseTokenizer' }, 'BertJapaneseTokenizer'],
  ['vocab.txt', { tokenizer_class: 'GPT2Tokenizer' }, 'GPT2Tokenizer'],
])('a vocabulary alone (%s) of %j is refused', async (file, config, part) => {
  const files = { [file]: bytes('a\nb\n'), 'tokenizer_config.json': bytes(JSON.stringify(config)) };
  await expectRejection(load(files), 'MODEL_UNSUPPORTED', part, 'save_pretrained');
});

test.each([
  ['null', 'null'],
  ['{}', 'model'],
  ['{"model":{"type":"WordPiece","vocab":{}},"post_processor":{"type":"New"}}', 'New'],
  ['{"model":{"type":"WordPiece","vocab":{}},"pre_tokenizer":{"type":"New"}}', 'New'],
  ['{"model":{"type":"WordPiece","vocab":{}},"normalizer":{"type":"New"}}', 'New'],
  ['{"model":{"type":"WordPiece","vocab":{}},"decoder":{"type":"New"}}', 'New'],
  ['{"model":{"type":"BPE","vocab":{},"merges":[],"continuing_subword_prefix":"##"}}', '##'],
])('tokenizer.json %s is refused', async (text, part) => {
  await expectRejection(load({ 'tokenizer.json': bytes(text) }), 'FILE_INVALID', part);
});

test('options are checked', async () => {
  const tokenizer = await loadTokenizer('wordpiece');
  const encode = (options: object) => () => tokenizer.encode('a', undefined, options);
  await expectRejection(encode({ max_length: 3 }), 'OPTION_UNKNOWN', 'maxLength');
  await expectRejection(encode({ maxLength: 2 }), 'OPTION_INVALID', '2 special tokens');
  const text = 'the cat is in the house';
  const windows = (options: object) => () =>
    tokenizer.encodingWindows(text, text, { maxLength: 8, ...options });
  await expectRejection(windows({ stride: -1 }), 'OPTION_INVALID', 'stride -1');
  await expectRejection(windows({ truncate: 'both' }), 'OPTION_INVALID', 'both', 'longest');
  await expectRejection(windows({ truncate: 'second' }), 'INPUT_INVALID', 'maxLength', 'stride');
  await expectRejection(windows({ stride: 4 }), 'INPUT_INVALID', 'stride, 4');
});
