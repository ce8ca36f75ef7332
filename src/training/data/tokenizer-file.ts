// What tokenizer.json says of a vocabulary of byte pairs.

import type { JsonObject } from '../../source/json.ts';
import type { BytePairEncoding } from './byte-pair-encoding.ts';

/** A token that stands for something, in tokenizer.json. */
export function addedToken(content: string, id: number): JsonObject {
  const never = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  return { id, content, ...never, special: true };
}

/** The model of tokenizer.json, whose ids are the places of tokens; `unknown` is one of them, or there is none. */
export function bytePairModel(
  { tokens, merges }: BytePairEncoding,
  unknown: string | null,
): JsonObject {
  return {
    type: 'BPE',
    dropout: null,
    unk_token: unknown,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    merges,
  };
}
