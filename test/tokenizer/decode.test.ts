// From tokens to texts, by every kind of decoder, as tokenizers 0.23.3 does; and streams of the same
// tokens, which together are the text that they add to a prompt.
import { describe, expect, test } from 'vitest';
import { TextStream, textAfter } from '../../src/tokenizer/text-stream.ts';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { Random } from '../support/random.ts';
import { memorySource } from '../support/source.ts';

const words = '\u2581a \u2581\u2581b ##c d</w> <pad> | <0xE4> <0xB8> <0xAD> e'.split(' ');
const tokens = words.concat(' .', " n't", ' x ');
const rows = [
  [1, 1, 0, 2, 9],
  [3, 3, 9, 3],
  [9, 9, 4, 9, 5, 0, 0],
  [6, 7, 8, 9, 6, 7, 9],
  [0, 10, 11, 12, 10],
];
const bytes = '<0xE4><0xB8><0xAD>e<0xE4><0xB8>e';
const suffixed = 'd</w>d</w>ed</w>';
const marks = { type: 'Replace', pattern: { String: '\u2581' }, content: ' ' };
const sequence = (...decoders: object[]): object => ({ type: 'Sequence', decoders });

const decoders: [name: string, decoder: object | null, texts: string[]][] = [
  [
    'none',
    null,
    [
      '\u2581\u2581b \u2581\u2581b \u2581a ##c e',
      'd</w> d</w> e d</w>',
      'e e <pad> e | \u2581a \u2581a',
      '<0xE4> <0xB8> <0xAD> e <0xE4> <0xB8> e',
      "\u2581a  .  n't  x   .",
    ],
  ],
  [
    'Metaspace',
    { type: 'Metaspace', replacement: '\u2581', prepend_scheme: 'always' },
    ['b  b a##ce', suffixed, 'ee<pad>e| a a', bytes, "a . n't x  ."],
  ],
  [
    'Metaspace that puts nothing in front',
    { type: 'Metaspace', replacement: '\u2581', prepend_scheme: 'never' },
    ['  b  b a##ce', suffixed, 'ee<pad>e| a a', bytes, " a . n't x  ."],
  ],
  [
    'BPEDecoder',
    { type: 'BPEDecoder', suffix: '</w>' },
    [
      '\u2581\u2581b\u2581\u2581b\u2581a##ce',
      'd d ed',
      'ee<pad>e|\u2581a\u2581a',
      bytes,
      "\u2581a . n't x  .",
    ],
  ],
  [
    'CTC',
    { type: 'CTC', pad_token: '<pad>', word_delimiter_token: '|', cleanup: true },
    ['\u2581\u2581b\u2581a##ce', 'd</w>ed</w>', 'ee \u2581a', bytes, "\u2581a.n't x ."],
  ],
  [
    'WordPiece',
    { type: 'WordPiece', prefix: '##', cleanup: true },
    [
      '\u2581\u2581b \u2581\u2581b \u2581ac e',
      'd</w> d</w> e d</w>',
      'e e <pad> e | \u2581a \u2581a',
      '<0xE4> <0xB8> <0xAD> e <0xE4> <0xB8> e',
      "\u2581a . n't  x  .",
    ],
  ],
  [
    'ByteFallback',
    { type: 'ByteFallback' },
    [
      '\u2581\u2581b\u2581\u2581b\u2581a##ce',
      suffixed,
      'ee<pad>e|\u2581a\u2581a',
      '中e\ufffd\ufffde',
      "\u2581a . n't x  .",
    ],
  ],
  [
    'Strip of the whole',
    sequence(marks, { type: 'Fuse' }, { type: 'Strip', content: ' ', start: 2, stop: 1 }),
    ['b  b a##ce', suffixed, 'ee<pad>e| a a', bytes, "a . n't x  ."],
  ],
  [
    'Replace in the whole',
    sequence({ type: 'Fuse' }, { type: 'Replace', pattern: { Regex: '\u2581+' }, content: ' ' }),
    [' b b a##ce', suffixed, 'ee<pad>e| a a', bytes, " a . n't x  ."],
  ],
];

const byteLevel = sequence({ type: 'ByteLevel' });
const llama = sequence(
  marks,
  { type: 'ByteFallback' },
  { type: 'Fuse' },
  { type: 'Strip', content: ' ', start: 1, stop: 0 },
);

function load(
  vocabulary: readonly string[],
  decoder: object | null,
  config = {},
): Promise<Tokenizer> {
  const vocab = Object.fromEntries(vocabulary.map((token, id) => [token, id]));
  const json = { model: { type: 'WordLevel', vocab, unk_token: 'e' }, decoder };
  const encode = (value: object): Uint8Array<ArrayBuffer> =>
    new TextEncoder().encode(JSON.stringify(value));
  return Tokenizer.load(
    memorySource({
      'tokenizer.json': encode(json),
      'tokenizer_config.json': encode({ tokenizer_class: 'PreTrainedTokenizerFast', ...config }),
    }),
    undefined,
  );
}

test.each(decoders)('%s', async (_, decoder, texts) => {
  const tokenizer = await load(tokens, decoder);
  expect(rows.map((ids) => tokenizer.decode(ids))).toEqual(texts);
});

const streamed: [name: string, vocabulary: string[], decoder: object | null][] = [
  ...decoders.map(([name, decoder]): [string, string[], object | null] => [name, tokens, decoder]),
  ['Llama', [...tokens, '\u2581', '<0xF0>', '<0x9F>', '<0x98>', '<0x80>', '<0x20>'], llama],
  [
    'bytes',
    ['\u0120', 'ð', '\u0141', '\u013a', '\u0122', 'a', "'", '.', 'n', '\u0120x'],
    byteLevel,
  ],
];

describe.each(streamed)('a stream of %s', (_, vocabulary, decoder) => {
  test.each([false, true])('is the text behind a prompt, clean-up %s', async (cleanUp) => {
    const tokenizer = await load(vocabulary, decoder, { clean_up_tokenization_spaces: cleanUp });
    const random = new Random(7);
    for (let round = 0; round < 300; round++) {
      const length = random.integer(1, 20);
      const ids = Array.from({ length }, () => random.integer(0, vocabulary.length - 1));
      const prompt = ids.slice(0, round % 3 === 0 ? 0 : random.integer(0, length));
      const stream = new TextStream(tokenizer, prompt);
      const pieces = ids.slice(prompt.length).map((id) => stream.push(id));
      const text = textAfter(tokenizer.decode(ids), tokenizer.decode(prompt).length);
      expect({ ids, prompt, text: pieces.join('') + stream.end() }).toEqual({ ids, prompt, text });
      for (const piece of pieces) expect(piece).not.toMatch(/[\ud800-\udbff]$|^[\udc00-\udfff]/);
    }
  });
});

test('more bytes than a call has room for arguments', async () => {
  const tokenizer = await load(['<0xE4>'], { type: 'ByteFallback' });
  const text = tokenizer.decode(Array<number>(200_000).fill(0));
  expect(text).toBe('\ufffd'.repeat(200_000));
});

test('the first word behind a prompt keeps its space', async () => {
  const tokenizer = await load(['\u2581a', '\u2581b'], llama);
  const stream = new TextStream(tokenizer, [0]);
  expect([stream.push(1), stream.push(0), stream.end()].join('')).toBe(' b a');
  expect(new TextStream(tokenizer).push(1)).toBe('b');
});
