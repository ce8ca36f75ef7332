// Long texts of every shape take time in proportion to their length, and what is cut reads as if the
// whole had been tokenized.
import { describe, expect, test } from 'vitest';
import { AlignedText } from '../../src/tokenizer/aligned-text.ts';
import { TextStream } from '../../src/tokenizer/text-stream.ts';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { unicodeForm } from '../../src/tokenizer/unicode-form.ts';
import { expectRejection } from '../support/rejection.ts';
import { memorySource } from '../support/source.ts';
import { loadTokenizer, tokenizerFiles } from '../support/tokenizer.ts';

const split = { type: 'Split', behavior: 'Isolated', invert: false };
const words = String.raw`[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
const plain = { tokenizer_class: 'PreTrainedTokenizerFast' };
const marked = { id: 5, special: true, lstrip: true, rstrip: true, normalized: false };

/** A tokenizer for each kind of normalizer, pre-tokenizer and model. */
const kinds: Readonly<Record<string, () => Promise<Tokenizer>>> = {
  'WordPiece after BERT': () => loadTokenizer('wordpiece'),
  'WordPiece of words without a bound': () =>
    loadTokenizer('wordpiece', plain, {
      normalizer: { type: 'Strip', strip_left: true, strip_right: true },
      pre_tokenizer: { type: 'WhitespaceSplit' },
      model: { max_input_chars_per_word: 10_000 },
    } as object),
  'Unigram after a map of characters': () => loadTokenizer('unigram'),
  'Unigram of one word': () => loadTokenizer('unigram', plain, { pre_tokenizer: null } as object),
  'BPE of bytes': () => loadTokenizer('chat'),
  'BPE of one word': () => loadTokenizer('llama'),
  'NFKC and Metaspace': () => loadTokenizer('nfkc'),
  'NFD, accents and a pattern': () =>
    loadTokenizer('chat', plain, {
      normalizer: {
        type: 'Sequence',
        normalizers: [
          { type: 'NFD' },
          { type: 'StripAccents' },
          { type: 'Lowercase' },
          { type: 'Replace', pattern: { Regex: '(x+x+)+y|  +' }, content: ' ' },
          { type: 'Prepend', prepend: ' ' },
        ],
      },
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [
          { ...split, pattern: { Regex: words } },
          { type: 'Digits', individual_digits: false },
          { type: 'Punctuation', behavior: 'Contiguous' },
          { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
        ],
      },
      added_tokens: [{ ...marked, content: '<|x|>' }],
    } as object),
};

/** Texts of about so many UTF-16 units. */
const shapes: Readonly<Record<string, (length: number) => string>> = {
  letters: (length) => 'a'.repeat(length),
  'marks of one kind': (length) => `a${'\u0301'.repeat(length)}`,
  'marks of two kinds': (length) => `a${'\u0301\u0323'.repeat(length / 2)}`,
  'half-width marks': (length) => `カ${'\u0301ﾞ'.repeat(length / 2)}`,
  syllables: (length) => '\u1100\u1161\u11a8'.repeat(length / 3),
  'joined emoji': (length) => '👨\u200d'.repeat(length / 3),
  flags: (length) => '🇩🇪'.repeat(length / 4),
  spaces: (length) => `a${' '.repeat(length)}b`,
  'ends of lines': (length) => ' \r\n'.repeat(length / 3),
  Greek: (length) => 'ΑΣς'.repeat(length / 3),
  ideographs: (length) => '日本語'.repeat(length / 3),
  'mixed scripts': (length) => 'aб漢ا1 '.repeat(length / 6),
  digits: (length) => '1234567890'.repeat(length / 10),
  'halves of pairs': (length) => '\ud83d'.repeat(length),
  'added tokens': (length) => '  <|x|>  <s>[CLS]'.repeat(length / 17),
  xs: (length) => 'x'.repeat(length),
};

/** Processor time where there is a clock for it: others share the machine. */
function clock(): number {
  const usage = globalThis.process?.cpuUsage?.().user;
  return usage === undefined ? performance.now() : usage / 1000;
}

function timeOf(work: () => unknown): number {
  const start = clock();
  work();
  return Math.max(clock() - start, 1);
}

/** Ten times the length takes ten times as long, or a bit more; the square would take a hundred. */
function expectLinear(work: (length: number) => unknown, length = 600): void {
  const ratios: number[] = [];
  while (ratios.length < 4) {
    const [few, many] = [timeOf(() => work(length)), timeOf(() => work(10 * length))];
    ratios.push(many / few);
    // A short time says nothing, and one good ratio is proof enough.
    if (many < 25 || many < 35 * few) return;
  }
  expect(Math.min(...ratios)).toBeLessThan(35);
}

describe.each(Object.entries(kinds))('%s', (_, load) => {
  test('takes time in proportion to the length', async () => {
    const tokenizer = await load();
    for (const shape of Object.values(shapes)) {
      expectLinear((length) => tokenizer.decode(tokenizer.encode(shape(length))));
      expect(tokenizer.encoding(shape(600)).offsets.length).toBeGreaterThan(0);
    }
  });

  test('takes time in proportion to lengths up to 100,000', { timeout: 120_000 }, async () => {
    const tokenizer = await load();
    // One run of what is normalized together, and many words, or one, as the kind has it.
    for (const shape of ['marks of two kinds', 'mixed scripts']) {
      expectLinear((length) => tokenizer.encode(shapes[shape]!(length)), 10_000);
    }
  });

  test('cuts long texts as if it had tokenized all of them', async () => {
    const tokenizer = await load();
    const sentence = "Hello, world! It's 12345 déjà vu - 日本。\n\nx  y <|x|> ";
    const texts = [
      sentence.repeat(30),
      'word '.repeat(300),
      `${'a1 b2. '.repeat(200)}   `,
      'Привет мир, '.repeat(120),
      '日本語、漢字。'.repeat(200),
      'x'.repeat(1200),
      `${' '.repeat(500)}x y. `.repeat(3),
      '日本語漢字'.repeat(200),
      '日本語か\u3099漢字\u0301'.repeat(150),
    ];
    for (const text of texts) {
      for (const maxLength of [12]) {
        const [whole] = tokenizer.encodingWindows(text, undefined, { maxLength });
        expect(tokenizer.encodingCut(text, undefined, { maxLength })).toEqual(whole);
        expect(tokenizer.encoding(text, undefined, { maxLength })).toEqual(whole);
      }
    }
    for (const truncate of ['first', 'second', 'longest'] as const) {
      const pair = [texts[0]!, 'A short one.'] as const;
      const [a, b] = truncate === 'second' ? [pair[1], pair[0]] : pair;
      const [whole] = tokenizer.encodingWindows(a, b, { maxLength: 20, truncate });
      expect(tokenizer.encodingCut(a, b, { maxLength: 20, truncate })).toEqual(whole);
    }
    const [whole] = tokenizer.encodingWindows(texts[0]!, texts[1], { maxLength: 20 });
    expect(tokenizer.encodingCut(texts[0]!, texts[1], { maxLength: 20 })).toEqual(whole);
  });
});

test('takes time in proportion to lengths up to 1,000,000', { timeout: 120_000 }, async () => {
  const tokenizer = await loadTokenizer('nfkc');
  for (const shape of ['ideographs', 'letters']) {
    expectLinear((length) => tokenizer.encode(shapes[shape]!(length)), 100_000);
  }
});

test.each([
  ['words', 'é word '],
  ['ideographs without an end', '日本語'],
])('of a text of a million characters that is cut, little is read: %s', async (_, part) => {
  const tokenizer = await loadTokenizer('wordpiece');
  // oxlint-disable-next-line typescript/unbound-method -- called with its text below
  const { normalize } = String.prototype;
  let read = 0;
  // oxlint-disable-next-line no-extend-native -- counts what is normalized, and is put back
  String.prototype.normalize = function counted(this: string, form?: string): string {
    read += this.length;
    return normalize.call(this, form);
  };
  try {
    const text = part.repeat(1_000_000 / part.length);
    expect(tokenizer.encodingCut(text, undefined, { maxLength: 512 }).ids).toHaveLength(512);
  } finally {
    // oxlint-disable-next-line no-extend-native -- as it was
    String.prototype.normalize = normalize;
  }
  expect(read).toBeGreaterThan(100);
  expect(read).toBeLessThan(40_000);
});

test.each(['NFC', 'NFD', 'NFKC', 'NFKD'] as const)('%s of many marks is the form', (form) => {
  const marks = '\u0301\u0323\u0345\u0334\u0308\u302a\u3099\u05b0\u0f71'.split('');
  const text = `Aa${Array.from({ length: 300 }, (_, i) => marks[(i * i) % 9]).join('')}é\u0301x`;
  const made = unicodeForm(AlignedText.of(text, [0, text.length]), form);
  expect(made.text).toBe(text.normalize(form));
});

test('a stream decodes a token a few times, whatever the text', async () => {
  for (const [cleansUp, piece] of [
    [true, ' '],
    [false, '\ufffd'],
    [true, " ' "],
    [true, 'word '],
  ] as const) {
    let decoded = 0;
    const texts = [piece, 'x'];
    const decode = (ids: readonly number[]): string => {
      decoded += ids.length;
      return ids.map((id) => texts[id]).join('');
    };
    const tokenizer = {
      decode,
      decodeCertain: (ids: readonly number[]) =>
        cleansUp ? decode(ids).replace(/ [ 'nvr]*$/, '') : decode(ids).replace(/\ufffd$/, ''),
    };
    const stream = new TextStream(tokenizer, Array<number>(5000).fill(1));
    let written = '';
    for (let i = 0; i < 2000; i++) written += stream.push(0);
    expect(written + stream.end()).toBe(piece.repeat(2000));
    expect(decoded).toBeLessThan(700_000);
  }
});

test.each([
  ['an id of 10⁹', { model: { vocab: { a: 1e9 } } }, '1000000000'],
  ['a negative id', { model: { vocab: { a: -1 } } }, '-1'],
  ['an id that is no number', { model: { vocab: { a: 'b' } } }, '"b"'],
  ['merges of one token', { model: { merges: ['a'] } }, 'merges'],
  ['an unknown normalizer', { normalizer: { type: 'Unknown' } }, 'Unknown'],
  ['a run of no length', { pre_tokenizer: { type: 'FixedLength', length: 0 } }, 'FixedLength'],
  ['a reference', { pre_tokenizer: { ...split, pattern: { Regex: '(a)\\1' } } }, 'not supported'],
])('%s is refused', async (_, changes, part) => {
  await expectRejection(loadTokenizer('chat', plain, changes as object), 'FILE_INVALID', part);
});

test('rules within rules without end are refused', async () => {
  const files = await tokenizerFiles('chat', plain);
  const [open, close] = ['{"type":"Sequence","normalizers":[', ']}'];
  const normalizer = `${open.repeat(50_000)}${close.repeat(50_000)}`;
  const json = `{"model":{"type":"BPE","vocab":{},"merges":[]},"normalizer":${normalizer}}`;
  files['tokenizer.json'] = new TextEncoder().encode(json);
  const load = Tokenizer.load(memorySource(files), undefined);
  await expectRejection(load, 'FILE_INVALID', 'tokenizer.json');
});

test('wrong arguments are refused', async () => {
  const tokenizer = await loadTokenizer('wordpiece');
  const wrong = [null, 0.5, {}, [], 1n, Symbol('x'), () => 0] as never[];
  for (const value of wrong) {
    await expectRejection(() => tokenizer.encode(value), 'INPUT_INVALID');
    await expectRejection(
      () => tokenizer.encodingWindows(value, 'x', { maxLength: 9 }),
      'INPUT_INVALID',
    );
    await expectRejection(() => tokenizer.encode('a', '', { maxLength: value }), 'OPTION_INVALID');
    await expectRejection(
      () => tokenizer.encode('a', '', { addSpecialTokens: value }),
      'OPTION_INVALID',
    );
    await expectRejection(
      () => tokenizer.decode([1], { skipSpecialTokens: value }),
      'OPTION_INVALID',
    );
    await expectRejection(
      () => tokenizer.encodingWindows('a', '', { maxLength: 9, truncate: value }),
      'OPTION_INVALID',
    );
  }
  for (const value of [null, 5, 'a', undefined, {}, new DataView(new ArrayBuffer(8))] as never[]) {
    await expectRejection(() => tokenizer.decode(value), 'INPUT_INVALID');
    await expectRejection(() => tokenizer.tokens(value), 'INPUT_INVALID');
  }
  expect(tokenizer.decode(new Uint32Array([5, 6]) as never)).toBe(tokenizer.decode([5, 6]));
});
