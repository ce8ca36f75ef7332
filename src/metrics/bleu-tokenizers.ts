// How BLEU cuts text into tokens. Scores of different tokenizers cannot be compared, so there are
// few, with the names that sacreBLEU gives them in its signatures.

import { splitWords } from './ngrams.ts';

/**
 * `13a`: the rules of mteval-v13a, WMT's scoring script, for languages that put spaces between words.
 * `char`: every character but white space (code points); for Chinese and Japanese among others.
 * `none`: words between white space; for text that is tokenized already.
 */
export type BleuTokenizer = '13a' | 'char' | 'none';

export const bleuTokenizers: Readonly<Record<BleuTokenizer, (text: string) => string[]>> = {
  '13a': tokenize13a,
  char: (text) => splitWords(text).flatMap((word) => Array.from(word)),
  none: splitWords,
};

/**
 * Tokens by the rules of mteval-v13a: lines that end in a hyphen are joined, four entities become
 * what they stand for, and punctuation of ASCII stands alone, but for: the apostrophe; a full stop
 * or comma between digits; a hyphen that no digit precedes.
 */
function tokenize13a(text: string): string[] {
  const plain = text
    .slice(0, lengthWithoutTrailingSpace(text))
    .replaceAll('<skipped>', '')
    .replaceAll('-\n', '')
    .replaceAll('\n', ' ')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>');
  const spaced = ` ${plain} `
    .replaceAll(/[ -&(-+/:-@[-`{-~]/gu, ' $& ')
    .replaceAll(/([^0-9])([.,])/gu, '$1 $2 ')
    .replaceAll(/([.,])([^0-9])/gu, ' $1 $2')
    .replaceAll(/([0-9])-/gu, '$1 - ');
  return splitWords(spaced);
}

/** A line break at the very end joins nothing, so it goes first. */
function lengthWithoutTrailingSpace(text: string): number {
  let length = text.length;
  while (length > 0 && splitWords(text.charAt(length - 1)).length === 0) length--;
  return length;
}
