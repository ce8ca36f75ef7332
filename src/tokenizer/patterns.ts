// Patterns that mean the same here as in the Rust library, and the letters of byte-level tokens.

import { ReplacePreTokenizer } from '@huggingface/tokenizers';
import { isObject, show } from '../source/json.ts';

/** `[start, end)` of a match, in UTF-16 units. */
export type Match = readonly [start: number, end: number];

/** All matches of a pattern in a text, one after the other. */
export interface Matches {
  readonly matches: readonly Match[];
  /** Up to here they are the same whatever follows the text, but for the last one. */
  readonly certain: number;
}

export type Find = (text: string) => Matches;

/** Makes regular expressions that a file brings harmless; its code is loaded where a file has some. */
export type RegexCompiler = (source: string) => Find;

/** What counts as a space in Unicode: with U+0085 and without U+FEFF, unlike `\s` of JavaScript. */
export const space: RegExp = /\p{White_Space}/gu;

/** Patterns longer than this, which none is, would be slow to read already. */
const mostCharacters = 20_000;

/** How the matches of a pattern of this library are found, whose time is known to be linear. */
export function finder(pattern: RegExp): Find {
  return (text) => ({
    matches: Array.from(text.matchAll(pattern), ({ 0: found, index }) => [
      index,
      index + found.length,
    ]),
    certain: text.length,
  });
}

/** A pattern of tokenizer.json; the library translates the dialect. Errors: TypeError. */
export function compilePattern(given: unknown, regex: RegexCompiler | undefined): Find {
  const { String: text, Regex: source } = isObject(given) ? given : {};
  const pattern = text ?? source;
  if (typeof pattern === 'string' && pattern.length > mostCharacters) {
    throw new TypeError(`its pattern is longer than ${mostCharacters} characters`);
  }
  if (typeof source === 'string' && regex !== undefined) {
    const { pattern: translated } = new ReplacePreTokenizer({
      type: 'Replace',
      pattern: { Regex: source },
    });
    if (translated !== null) return regex(withExactSpaces(translated.source));
  }
  if (typeof text === 'string') {
    return finder(new RegExp(text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), 'gu'));
  }
  throw new TypeError(`its pattern ${show(given)} is not supported`);
}

/** The source of a pattern whose `\s` and `\S` go by Unicode. */
export function withExactSpaces(source: string): string {
  return source.replaceAll(/\\([^])/g, (escape, letter) =>
    letter === 's' ? '\\p{White_Space}' : letter === 'S' ? '\\P{White_Space}' : escape,
  );
}

const spaceAt = /\p{White_Space}/uy;

/** Where a text begins after its first spaces, from a place on. */
export function afterSpaces(text: string, from = 0): number {
  let at = from;
  // All of them are single UTF-16 units.
  for (; at < text.length; at++) {
    spaceAt.lastIndex = at;
    if (!spaceAt.test(text)) break;
  }
  return at;
}

/** Where a text ends before its last spaces, up to a place and not before `from`. */
export function beforeSpaces(text: string, from: number, to: number): number {
  let at = to;
  for (; at > from; at--) {
    spaceAt.lastIndex = at - 1;
    if (!spaceAt.test(text)) break;
  }
  return at;
}

/** The letter of each byte (GPT-2): printable characters themselves, the others from U+0100 on. */
export const byteLetters: readonly string[] = (() => {
  let others = 0;
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCharCode(isPrintable ? byte : 256 + others++);
  });
})();

const bytesByLetter = new Map(byteLetters.map((letter, byte) => [letter, byte]));

/** The byte of a letter. */
export function byteOf(letter: string): number | undefined {
  return bytesByLetter.get(letter);
}
