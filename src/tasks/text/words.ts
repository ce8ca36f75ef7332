// Where words begin, for tokenizers that split them.

import type { TextTokenizer } from '../task.ts';
import type { Encoding } from '../../tokenizer/template.ts';

/** True for WordPiece vocabularies, which mark what continues a word with `##`. */
export function usesWordPieces(tokenizer: TextTokenizer): boolean {
  for (const token of tokenizer.vocabulary()) if (/^##[\p{L}\p{N}]/u.test(token)) return true;
  return false;
}

/**
 * Which tokens continue the word of the token before. WordPiece and SentencePiece (`▁`) mark it in
 * their tokens; byte-level BPE splits text into runs of letters, of digits and of other signs.
 */
export function continuations(
  tokens: readonly string[],
  { offsets }: Encoding,
  text: string,
  wordPieces: boolean,
): boolean[] {
  const usesMetaspace = tokens.some((token) => token.startsWith('▁'));
  return tokens.map((token, i) => {
    if (wordPieces) return token.startsWith('##');
    const [before, here] = [offsets[i - 1], offsets[i]];
    if (before === undefined || here === undefined || here[0] > before[1]) return false;
    // A space that byte-level BPE has not merged with its word still belongs to it.
    if (tokens[i - 1] === 'Ġ') return !token.startsWith('Ġ');
    if (usesMetaspace) return !token.startsWith('▁');
    return here[0] < before[1] || classAt(text, here[0] - 1) === classAt(text, here[0]);
  });
}

function classAt(text: string, index: number): 'space' | 'letter' | 'digit' | 'other' {
  // The second half of a surrogate pair is of the class of the whole.
  const code = text.codePointAt(index) ?? 0;
  const isTrail = code >= 0xdc00 && code < 0xe000 && index > 0;
  const character = String.fromCodePoint((isTrail ? text.codePointAt(index - 1) : code) ?? 0);
  if (/\s/u.test(character)) return 'space';
  if (/\p{L}/u.test(character)) return 'letter';
  return /\p{N}/u.test(character) ? 'digit' : 'other';
}
