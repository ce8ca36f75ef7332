// Pieces of text as tokens come one by one: together they are what decoding all tokens gives, none
// is ever taken back, and the work for a token does not grow with what came before.
import { describe, expect, test } from 'vitest';
import { TextStream } from '../../src/tokenizer/text-stream.ts';
import { Random } from '../support/random.ts';
import { loadTokenizer } from '../support/tokenizer.ts';

const folders = ['wordpiece', 'chat', 'unigram', 'llama', 'nfkc', 'byte_vocab'];
const byteVocab = { tokenizer_class: 'GPT2Tokenizer' };

describe.each(folders)('%s', (folder) => {
  test.each([true, false])('random tokens, clean-up of spaces %s', async (cleanUp) => {
    const tokenizer = await loadTokenizer(folder, {
      ...(folder === 'byte_vocab' ? byteVocab : {}),
      clean_up_tokenization_spaces: cleanUp,
    });
    const size = [...tokenizer.vocabulary()].length;
    // What clean-up joins to its neighbours must come up often.
    const marks = tokenizer.encode("a n ' t . 's 're 've , ? 'm n't !", undefined, {
      addSpecialTokens: false,
    });
    const random = new Random(1);
    for (let round = 0; round < 200; round++) {
      const ids = Array.from({ length: random.integer(1, 30) }, () =>
        random.next() < 0.5
          ? random.integer(0, size + 1)
          : marks[random.integer(0, marks.length - 1)]!,
      );
      const stream = new TextStream(tokenizer);
      const pieces = [...ids.map((id) => stream.push(id)), stream.end()];
      expect({ ids, text: pieces.join('') }).toEqual({ ids, text: tokenizer.decode(ids) });
    }
  });
});

test('a character comes when its last byte has come, and text before it at once', async () => {
  const tokenizer = await loadTokenizer('chat');
  const ids = tokenizer.encode('hi 👍🏽!', undefined, { addSpecialTokens: false });
  const stream = new TextStream(tokenizer);
  const pieces = ids.map((id) => stream.push(id)).filter((piece) => piece !== '');
  expect([...pieces, stream.end()].join('')).toBe('hi 👍🏽!');
  expect(pieces).toContain('👍');
  for (const piece of pieces) expect(piece).not.toMatch(/\ufffd|[\ud800-\udbff]$|^[\udc00-\udfff]/);
});

test('a word that comes in parts comes part by part', async () => {
  const tokenizer = await loadTokenizer('wordpiece');
  const ids = tokenizer.encode('unhappy walks', undefined, { addSpecialTokens: false });
  const stream = new TextStream(tokenizer);
  const pieces = ids.map((id) => stream.push(id));
  expect(pieces.filter((piece) => piece !== '').length).toBeGreaterThan(2);
  expect(pieces.join('') + stream.end()).toBe('unhappy walks');
});

test('an empty stream ends without text, and ends once', async () => {
  const tokenizer = await loadTokenizer('llama');
  const stream = new TextStream(tokenizer);
  expect(stream.end()).toBe('');
  stream.push(tokenizer.encode('a', undefined, { addSpecialTokens: false })[0]!);
  stream.end();
  expect(stream.end()).toBe('');
});

test('each token decodes few tokens, however long the stream', async () => {
  const tokenizer = await loadTokenizer('chat');
  let most = 0;
  const stream = new TextStream({
    decode: (ids) => {
      most = Math.max(most, ids.length);
      return tokenizer.decode(ids);
    },
    decodeCertain: (ids) => tokenizer.decodeCertain(ids),
  });
  const ids = tokenizer.encode('the cat is running. '.repeat(100));
  const text = ids.map((id) => stream.push(id)).join('') + stream.end();
  expect(text).toBe(tokenizer.decode(ids));
  expect(ids.length).toBeGreaterThan(1000);
  expect(most).toBeLessThan(20);
});
