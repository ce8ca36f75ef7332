// The pre-tokenizers of tokenizer.json, on texts that remember where they came from: a text is cut
// into words, which the model then cuts into tokens. The rules follow the Rust library.

import { ByteLevelPreTokenizer, ReplacePreTokenizer } from '@huggingface/tokenizers';
import { isObject, type JsonObject, show } from '../source/json.ts';
import type { AlignedText } from './aligned-text.ts';
import { byteLetters, exactPattern, space } from './patterns.ts';

/** Cuts a text into words. */
export type Split = (text: AlignedText) => AlignedText[];

/** What becomes of the matches of a pattern. */
type Behavior = 'removed' | 'isolated' | 'mergedwithprevious' | 'mergedwithnext' | 'contiguous';

const punctuation = /[\p{P}!-/:-@[-`{-~]/gu;
const words =
  /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_C}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_C}\p{White_Space}]+/gu;

/** The pre-tokenizer that tokenizer.json describes; throws a TypeError for an unknown one. */
export function compileSplit(config: unknown): Split {
  if (config === null || config === undefined) return (text) => [text];
  if (!isObject(config)) throw new TypeError(`its pre_tokenizer is ${show(config)}`);
  const behavior = (fallback: string): Behavior =>
    textOr(config['behavior'], fallback).toLowerCase() as Behavior;
  switch (config['type']) {
    case 'Sequence': {
      const { pretokenizers } = config;
      const steps = (Array.isArray(pretokenizers) ? pretokenizers : []).map(compileSplit);
      return (text) => steps.reduce((parts, step) => parts.flatMap(step), [text]);
    }
    case 'BertPreTokenizer':
      return (text) =>
        cut(text, space, 'removed').flatMap((word) => cut(word, punctuation, 'isolated'));
    case 'ByteLevel':
      return byteLevel(config);
    case 'Metaspace':
      return metaspace(config);
    case 'Whitespace':
      return (text) => cut(text, words, 'removed', true);
    case 'WhitespaceSplit':
      return (text) => cut(text, space, 'removed');
    case 'Split': {
      const pattern = compilePattern(config['pattern']);
      return (text) => cut(text, pattern, behavior(''), config['invert'] === true);
    }
    case 'Punctuation':
      return (text) => cut(text, punctuation, behavior('Isolated'));
    case 'Digits': {
      const how = config['individual_digits'] === true ? 'isolated' : 'contiguous';
      return (text) => cut(text, /\p{N}/gu, how);
    }
    case 'FixedLength': {
      const run = new RegExp(`[^]{1,${Number(config['length'])}}`, 'gu');
      return (text) => cut(text, run, 'isolated');
    }
    default:
      throw new TypeError(`its pre-tokenizer ${show(config['type'])} is not supported`);
  }
}

function textOr(value: unknown, fallback: string): string {
  return typeof value === 'string' ? value : fallback;
}

/** A pattern of tokenizer.json as a regular expression; the library translates the dialect. */
function compilePattern(pattern: unknown): RegExp {
  const known = pattern as { String: string } | { Regex: string };
  const { pattern: compiled } = new ReplacePreTokenizer({ type: 'Replace', pattern: known });
  if (compiled === null) throw new TypeError(`its pattern ${show(pattern)} is not supported`);
  return exactPattern(compiled);
}

/** The text cut at the matches of a pattern; `invert` exchanges matches and what lies between. */
function cut(
  text: AlignedText,
  pattern: RegExp,
  behavior: Behavior,
  invert = false,
): AlignedText[] {
  const parts: { start: number; end: number; match: boolean }[] = [];
  let at = 0;
  const add = (end: number, match: boolean): void => {
    if (end > at) parts.push({ start: at, end, match: match !== invert });
    at = end;
  };
  for (const { 0: found, index } of text.text.matchAll(pattern)) {
    add(index, false);
    add(index + found.length, true);
  }
  add(text.text.length, false);
  const kept: typeof parts = [];
  const backwards = behavior === 'mergedwithnext';
  let before: boolean | undefined;
  for (const part of backwards ? parts.toReversed() : parts) {
    const last = kept.at(-1);
    const joins =
      behavior === 'contiguous'
        ? part.match === before
        : behavior.startsWith('merged') && part.match && before === false;
    before = part.match;
    if (behavior === 'removed' && part.match) continue;
    if (!joins || last === undefined) kept.push({ ...part });
    else if (backwards) last.start = part.start;
    else last.end = part.end;
  }
  if (backwards) kept.reverse();
  return kept.map(({ start, end }) => text.slice(start, end));
}

/** Words of bytes, each byte a printable character (GPT-2). */
function byteLevel(config: JsonObject): Split {
  const pattern = exactPattern(new ByteLevelPreTokenizer({ type: 'ByteLevel' }).pattern);
  const encoder = new TextEncoder();
  const bytes = (character: string): string =>
    Array.from(encoder.encode(character), (byte) => byteLetters[byte] ?? '').join('');
  return (given) => {
    const prefix = config['add_prefix_space'] === true && !given.text.startsWith(' ');
    const text = prefix ? given.prepend(' ') : given;
    const parts = config['use_regex'] === false ? [text] : cut(text, pattern, 'isolated');
    return parts.map((part) => part.mapCharacters(bytes));
  };
}

/** Spaces become a visible mark, which may also be put in front, and begin the words. */
function metaspace(config: JsonObject): Split {
  const mark = textOr(config['replacement'], '\u2581');
  const scheme =
    config['prepend_scheme'] ?? (config['add_prefix_space'] === false ? 'never' : 'always');
  const marks = compilePattern({ String: mark });
  return (given) => {
    let text = given.replaceAll(/ /g, mark);
    const wanted = scheme === 'always' || (scheme === 'first' && given.origin === 0);
    if (wanted && !text.text.startsWith(mark)) text = text.prepend(mark);
    return config['split'] === false ? [text] : cut(text, marks, 'mergedwithnext');
  };
}
