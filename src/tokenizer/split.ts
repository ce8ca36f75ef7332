// The pre-tokenizers of tokenizer.json, on texts that remember where they came from: a text is cut
// into words, which the model then cuts into tokens. The rules follow the Rust library.

import { ByteLevelPreTokenizer } from '@huggingface/tokenizers';
import { isObject, type JsonObject, show } from '../source/json.ts';
import type { AlignedText } from './aligned-text.ts';
import {
  byteLetters,
  compilePattern,
  type Find,
  finder,
  type RegexCompiler,
  space,
  withExactSpaces,
} from './patterns.ts';

/** A text cut into words. */
export interface Words {
  readonly words: readonly AlignedText[];
  /** So many of them, from the first on, are the same whatever follows the text. */
  readonly closed: number;
}

export type Split = (text: AlignedText) => Words;

/** What becomes of the matches of a pattern. */
type Behavior = 'removed' | 'isolated' | 'mergedwithprevious' | 'mergedwithnext' | 'contiguous';

const spaces = finder(space);
const spaceSigns = finder(/ /g);
const numbers = finder(/\p{N}/gu);
const punctuation = finder(/[\p{P}!-/:-@[-`{-~]/gu);
const words = finder(
  /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_C}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_C}\p{White_Space}]+/gu,
);

/** The pre-tokenizer that tokenizer.json describes; throws a TypeError for an unknown one. */
export function compileSplit(config: unknown, regex: RegexCompiler | undefined): Split {
  if (config === null || config === undefined) return (text) => ({ words: [text], closed: 0 });
  if (!isObject(config)) throw new TypeError(`its pre_tokenizer is ${show(config)}`);
  const behavior = (fallback: string): Behavior =>
    textOr(config['behavior'], fallback).toLowerCase() as Behavior;
  switch (config['type']) {
    case 'Sequence': {
      const { pretokenizers } = config;
      const steps = (Array.isArray(pretokenizers) ? pretokenizers : []).map((step) =>
        compileSplit(step, regex),
      );
      return inTurn(steps);
    }
    case 'BertPreTokenizer':
      return inTurn([
        (text) => cut(text, spaces, 'removed'),
        (text) => cut(text, punctuation, 'isolated'),
      ]);
    case 'ByteLevel':
      return byteLevel(config);
    case 'Metaspace':
      return metaspace(config, regex);
    case 'Whitespace':
      return (text) => cut(text, words, 'removed', true);
    case 'WhitespaceSplit':
      return (text) => cut(text, spaces, 'removed');
    case 'Split': {
      const pattern = compilePattern(config['pattern'], regex);
      return (text) => cut(text, pattern, behavior(''), config['invert'] === true);
    }
    case 'Punctuation':
      return (text) => cut(text, punctuation, behavior('Isolated'));
    case 'Digits': {
      const how = config['individual_digits'] === true ? 'isolated' : 'contiguous';
      return (text) => cut(text, numbers, how);
    }
    case 'FixedLength': {
      const { length = 5 } = config;
      if (!Number.isSafeInteger(length) || Number(length) < 1) {
        throw new TypeError(`its FixedLength has the length ${show(length)}`);
      }
      return (text) => cut(text, fixedRuns(Number(length)), 'isolated');
    }
    default:
      throw new TypeError(`its pre-tokenizer ${show(config['type'])} is not supported`);
  }
}

/** One step after the other; what the first leaves open, the next ones may close in part. */
function inTurn(steps: readonly Split[]): Split {
  const [first, ...others] = steps;
  if (first === undefined) return (text) => ({ words: [text], closed: 0 });
  if (others.length === 0) return first;
  const rest = inTurn(others);
  return (text) => {
    const { words: parts, closed: whole } = first(text);
    const cuts = parts.map(rest);
    let closed = 0;
    for (const [i, part] of cuts.entries()) {
      if (i <= whole) closed += i < whole ? part.words.length : part.closed;
    }
    return { words: cuts.flatMap((part) => part.words), closed };
  };
}

function textOr(value: unknown, fallback: string): string {
  return typeof value === 'string' ? value : fallback;
}

/** A text as runs of so many characters. */
function fixedRuns(length: number): Find {
  return (text) => {
    const runs: [number, number][] = [];
    let [start, at, count] = [0, 0, 0];
    for (const character of text) {
      at += character.length;
      if (++count < length && at < text.length) continue;
      runs.push([start, at]);
      [start, count] = [at, 0];
    }
    return { matches: runs, certain: at };
  };
}

/** The text cut at the matches of a pattern; `invert` exchanges matches and what lies between. */
function cut(text: AlignedText, find: Find, behavior: Behavior, invert = false): Words {
  const parts: { start: number; end: number; match: boolean }[] = [];
  let at = 0;
  const add = (end: number, match: boolean): void => {
    if (end > at) parts.push({ start: at, end, match: match !== invert });
    at = end;
  };
  const { matches, certain } = find(text.text);
  for (const [start, end] of matches) {
    add(start, false);
    add(end, true);
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
  // The last word may go on, or be joined by what comes.
  const closed = kept.findIndex(({ end }, i) => end > certain || i === kept.length - 1);
  return {
    words: kept.map(({ start, end }) => text.slice(start, end)),
    closed: Math.max(closed, 0),
  };
}

/** Words of bytes, each byte a printable character (GPT-2). */
function byteLevel(config: JsonObject): Split {
  const { source, flags } = new ByteLevelPreTokenizer({ type: 'ByteLevel' }).pattern;
  const pattern = finder(new RegExp(withExactSpaces(source), flags));
  const encoder = new TextEncoder();
  const bytes = (character: string): string =>
    (character < '\u0080' ? byteLetters[character.charCodeAt(0)] : undefined) ??
    Array.from(encoder.encode(character), (byte) => byteLetters[byte] ?? '').join('');
  return (given) => {
    const prefix = config['add_prefix_space'] === true && !given.text.startsWith(' ');
    const text = prefix ? given.prepend(' ') : given;
    const { words: parts, closed } =
      config['use_regex'] === false ? { words: [text], closed: 0 } : cut(text, pattern, 'isolated');
    return { words: parts.map((part) => part.mapCharacters(bytes)), closed };
  };
}

/** Spaces become a visible mark, which may also be put in front, and begin the words. */
function metaspace(config: JsonObject, regex: RegexCompiler | undefined): Split {
  const mark = textOr(config['replacement'], '\u2581');
  const scheme =
    config['prepend_scheme'] ?? (config['add_prefix_space'] === false ? 'never' : 'always');
  const marks = compilePattern({ String: mark }, regex);
  return (given) => {
    let text = given.replaceAll(spaceSigns(given.text).matches, mark);
    const wanted = scheme === 'always' || (scheme === 'first' && given.origin === 0);
    if (wanted && !text.text.startsWith(mark)) text = text.prepend(mark);
    return config['split'] === false
      ? { words: [text], closed: 0 }
      : cut(text, marks, 'mergedwithnext');
  };
}
