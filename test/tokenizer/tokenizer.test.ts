// Token ids, offsets, type ids and decoded texts beside those of Hugging Face's tokenizers, for
// tokenizers of each kind and texts chosen for what goes wrong in them. The README of the fixtures
// says how both were made.
import { describe, expect, test } from 'vitest';
import type { Encoding } from '../../src/tokenizer/template.ts';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { readFixtureJson } from '../support/fixture.ts';
import { loadTokenizer } from '../support/tokenizer.ts';

interface Case {
  /** Of one text its index, of a pair both texts. */
  text: number | [string, string];
  ids: string;
  /**
   * The length of each token, `-` for tokens of the template; `gap+length` where a token does not
   * begin at the end of the one before.
   */
  offsets: string;
  types?: string;
  textIndex?: string;
  /** Where it differs from the text. */
  decoded?: string;
}

interface Fixture {
  texts: string[];
  tokenizers: {
    name: string;
    folder: string;
    config?: object;
    changes?: { model?: object };
    cases: Case[];
  }[];
  windows: {
    tokenizer: string;
    text: string;
    pair?: string;
    truncate: 'first' | 'second' | 'longest';
    maxLength: number;
    stride: number;
    side: string;
    ids: string[];
  }[];
}

const fixture = (await readFixtureJson('tokenizers/expected.json')) as Fixture;
const configs = new Map(fixture.tokenizers.map((one) => [one.name, one]));

function load(name: string, config: object = {}): Promise<Tokenizer> {
  const known = configs.get(name)!;
  return loadTokenizer(known.folder, { ...known.config, ...config }, known.changes);
}

/** An encoding as the fixture writes it. */
function written(encoding: Encoding): Omit<Case, 'text'> {
  let at = 0;
  const offsets = encoding.offsets.map((span) => {
    const [start, end] = span ?? [0, 0];
    const gap = start === at ? '' : `${start - at}+`;
    at = end;
    return span === undefined ? '-' : `${gap}${end - start}`;
  });
  return {
    ids: encoding.ids.join(' '),
    offsets: offsets.join(' '),
    types: encoding.typeIds.join(''),
    textIndex: encoding.textIndex.map((index) => index ?? '-').join(''),
  };
}

describe.each(fixture.tokenizers)('$name', ({ name, cases }) => {
  test('ids, offsets, type ids and the texts of tokens are those of Hugging Face', async () => {
    const tokenizer = await load(name);
    const differences: unknown[] = [];
    for (const one of cases) {
      const [text, pair] =
        typeof one.text === 'number' ? [fixture.texts[one.text]!, undefined] : one.text;
      const got = written(tokenizer.encoding(text, pair));
      const count = one.ids === '' ? 0 : one.ids.split(' ').length;
      const wanted = {
        ids: one.ids,
        offsets: one.offsets,
        types: one.types ?? '0'.repeat(count),
        textIndex:
          one.textIndex ?? one.offsets.replaceAll(/[-\d]+\+\d+|\d+/g, '0').replaceAll(' ', ''),
      };
      if (JSON.stringify(got) !== JSON.stringify(wanted)) differences.push({ text, got, wanted });
      expect(tokenizer.encode(text, pair)).toEqual(tokenizer.encoding(text, pair).ids);
    }
    expect(differences).toEqual([]);
  });
});

test.each([...configs.keys()])(
  '%s decodes as Hugging Face does, before its clean-up',
  async (name) => {
    const tokenizer = await load(name, { clean_up_tokenization_spaces: false });
    const got: string[] = [];
    const wanted: string[] = [];
    for (const { text, ids, decoded } of configs.get(name)!.cases) {
      if (typeof text !== 'number') continue;
      got.push(tokenizer.decode(ids === '' ? [] : ids.split(' ').map(Number)));
      wanted.push(decoded ?? fixture.texts[text]!);
    }
    expect(got).toEqual(wanted);
  },
);

test('long texts and pairs are cut into the windows of Hugging Face', async () => {
  for (const { tokenizer, text, pair, side, ids, ...options } of fixture.windows) {
    const one = await load(tokenizer, { truncation_side: side });
    const got = one.encodingWindows(text, pair, options);
    const what = { tokenizer, side, options };
    expect({ ...what, ids: got.map((window) => window.ids.join(' ')) }).toEqual({ ...what, ids });
  }
});
