// Tokenizers whose files were changed at random, texts of all kinds, and patterns beside JavaScript's
// own: a typed error, or a right result.
import { expect } from 'vitest';
import { AlignedText } from '../../src/tokenizer/aligned-text.ts';
import { findMatches } from '../../src/tokenizer/pattern-matcher.ts';
import { compileProgram } from '../../src/tokenizer/pattern-syntax.ts';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { unicodeForm } from '../../src/tokenizer/unicode-form.ts';
import { TransformerError } from '../../src/runtime/errors.ts';
import { cases, nasty } from '../support/fuzz.ts';
import type { Random } from '../support/random.ts';
import { memorySource } from '../support/source.ts';
import { loadTokenizer, tokenizerFiles } from '../support/tokenizer.ts';

const folders = ['chat', 'llama', 'nfkc', 'unigram', 'wordpiece'];
const tokenizers = await Promise.all(folders.map((folder) => loadTokenizer(folder)));
const files = await Promise.all(folders.map((folder) => tokenizerFiles(folder)));

const pieces =
  'a|b|the |Hello|\u0301|\u0323|é|ﾞ|カ|\u1100|\u1161|한|👨\u200d👩|🇩|日本|。| |  |\n|\r\n|\t|\u00a0|1|23|!|...|\ud83d|\udc00|\u0000|\ufffd|▁|##|<s>|[MASK]|</s>|<|im_start|>|\u200b|Ä|ß|ﬁ|ſ|İ|\u0345|x.y'.split(
    '|',
  );

function textOf(random: Random, most: number): string {
  const count = random.integer(0, most);
  const unit = random.pick(pieces);
  const isRun = random.next() < 0.3;
  return Array.from({ length: count }, () =>
    isRun && random.next() < 0.9 ? unit : random.pick(pieces),
  ).join('');
}

/** A value with one part of it exchanged, left out or doubled. */
function mutated(random: Random, value: unknown): unknown {
  const keys = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  if (keys.length === 0 || random.next() < 0.1) return nasty(random);
  // What is large is mostly the vocabulary: the rules are wanted too.
  const rules = keys.filter((key) => !['vocab', 'merges'].includes(key));
  const key = random.pick(rules.length > 0 && random.next() < 0.7 ? rules : keys);
  const copy: unknown = Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) };
  const parts = copy as Record<string, unknown>;
  const choice = random.next();
  if (choice < 0.1) delete parts[key];
  else if (choice < 0.2) parts[random.pick(keys)] = parts[key];
  else parts[key] = mutated(random, parts[key]);
  return copy;
}

/** What works, or the typed error that stands for it. */
async function outcome<Result>(work: () => Result | Promise<Result>): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TransformerError) return undefined;
    throw error;
  }
}

/** Ids are ids, and their places lie in the text. */
function checkEncoding(tokenizer: Tokenizer, text: string): number[] {
  const { ids, offsets, typeIds } = tokenizer.encoding(text);
  expect(typeIds).toHaveLength(ids.length);
  for (const id of ids) if (!Number.isSafeInteger(id) || id < 0) expect(id).toBe('a token id');
  for (const [start, end] of offsets.filter((span) => span !== undefined)) {
    if (!(start >= 0 && start <= end && end <= text.length))
      expect([start, end]).toBe('in the text');
  }
  return ids;
}

cases('changed tokenizers', 150, async (random) => {
  const own = { ...random.pick(files) };
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
    if (random.next() < 0.3 || own[name] === undefined) continue;
    let value: unknown = JSON.parse(new TextDecoder().decode(own[name]));
    for (let count = random.integer(1, 3); count > 0; count--) value = mutated(random, value);
    own[name] = new TextEncoder().encode(JSON.stringify(value) ?? 'null');
  }
  const tokenizer = await outcome(() => Tokenizer.load(memorySource(own), undefined));
  if (tokenizer === undefined) return;
  const text = textOf(random, 40);
  const ids = await outcome(() => checkEncoding(tokenizer, text));
  if (ids !== undefined) expect(typeof (await outcome(() => tokenizer.decode(ids)))).toBe('string');
  for (const _ of tokenizer.vocabulary()) continue;
});

cases('texts', 150, (random) => {
  const index = random.integer(0, folders.length - 1);
  const tokenizer = tokenizers[index]!;
  const text = textOf(random, 300);
  const ids = checkEncoding(tokenizer, text);
  const maxLength = random.integer(4, 12);
  const [whole] = tokenizer.encodingWindows(text, undefined, { maxLength });
  expect(tokenizer.encodingCut(text, undefined, { maxLength })).toEqual(whole);
  expect(tokenizer.decode(new Uint32Array(ids) as never)).toBe(tokenizer.decode(ids));
  if (folders[index] !== 'chat' || /[\ud800-\udfff]/u.test(text)) return;
  // Bytes come back as they were, but for the form of characters.
  const own = tokenizer.encode(text, undefined, { addSpecialTokens: false });
  expect(tokenizer.decode(own, { skipSpecialTokens: false })).toBe(text.normalize('NFC'));
});

cases('normalization forms', 150, (random) => {
  const marks = textOf(random, 6) + '\u0301\u0323\u0345ﾞ\u05b0'.repeat(random.integer(0, 20));
  const text = marks + textOf(random, 20);
  for (const form of ['NFC', 'NFD', 'NFKC', 'NFKD'] as const) {
    const made = unicodeForm(AlignedText.of(text, [0, text.length]), form);
    expect(made.text).toBe(text.normalize(form));
  }
});

/** A pattern, and whether it may match nothing: engines differ in loops over such. */
function pattern(random: Random, depth: number): { source: string; isEmpty: boolean } {
  const part = (): { source: string; isEmpty: boolean } => pattern(random, depth - 1);
  const choice = depth === 0 ? 0 : random.integer(0, 8);
  if (choice < 3) {
    const source = random.pick([
      'a',
      'b',
      '[ab]',
      '[^a]',
      '\\p{L}',
      '\\p{White_Space}',
      '😀',
      '[^\\n]',
    ]);
    return { source, isEmpty: false };
  }
  const [left, right] = [part(), part()];
  if (choice < 5) {
    return { source: left.source + right.source, isEmpty: left.isEmpty && right.isEmpty };
  }
  if (choice < 6) {
    const isEmpty = left.isEmpty || right.isEmpty;
    return { source: `(?:${left.source}|${right.source})`, isEmpty };
  }
  if (choice < 7) {
    const look = random.pick(['?=', '?!', '?<=', '?<!']);
    return { source: `(${look}${left.source})`, isEmpty: true };
  }
  if (left.isEmpty) return left;
  const times = random.pick(['*', '+', '?', '{2}', '{1,2}', '{2,}', '*?', '+?', '??']);
  return { source: `(?:${left.source})${times}`, isEmpty: '*?'.includes(times[0]!) };
}

cases('patterns', 300, (random) => {
  const { source, isEmpty } = pattern(random, 4);
  const text = Array.from({ length: random.integer(0, 10) }, () =>
    // Within a pair, JavaScript finds nothings that are none.
    random.pick(['a', 'b', ' ', isEmpty ? 'c' : '😀', 'a', '\n']),
  ).join('');
  const wanted = Array.from(text.matchAll(new RegExp(source, 'gu')), ({ 0: found, index }) => [
    index,
    index + found.length,
  ]);
  const { matches, certain } = findMatches(compileProgram(source), text);
  expect({ source, text, matches }).toEqual({ source, text, matches: wanted });
  // What is certain stays, whatever follows.
  const further = findMatches(compileProgram(source), `${text}a b`).matches;
  const until = (list: readonly (readonly number[])[]): unknown[] =>
    list.filter(([, end]) => end! <= certain).slice(0, -1);
  const kept = until(matches);
  expect({ source, text, further: further.slice(0, kept.length) }).toEqual({
    source,
    text,
    further: kept,
  });
});
