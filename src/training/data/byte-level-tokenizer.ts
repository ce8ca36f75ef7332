// A tokenizer for whatever text, learned from texts: byte pairs of bytes ("Language Models are Unsupervised Multitask
// Learners", Radford et al. 2019, §2.2), in the files that Hugging Face's libraries and this one read.

import { AlignedText } from '../../tokenizer/aligned-text.ts';
import { byteLetters } from '../../tokenizer/patterns.ts';
import { compileSplit } from '../../tokenizer/split.ts';
import type { JsonObject } from '../../source/json.ts';
import { learnBytePairs } from './byte-pair-encoding.ts';
import { addedToken, bytePairModel } from './tokenizer-file.ts';

/** Stands between texts, and ends what is written. */
const endOfText = '<|endoftext|>';

/** A word has the space before it; no token spans two of them. */
const preTokenizer: JsonObject = {
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: true,
};

export interface LearnedTokenizer {
  /** tokenizer.json */
  readonly tokenizer: JsonObject;
  /** tokenizer_config.json */
  readonly config: JsonObject;
  /** Tokens in all. */
  readonly size: number;
  /** The id of `<|endoftext|>`, the last one. */
  readonly endToken: number;
}

/** The 256 bytes, and the end of a text. */
export const leastVocabulary: number = byteLetters.length + 1;

/**
 * Learns `size` tokens: every byte, what is joined most often, and `<|endoftext|>`. They are fewer where the texts have
 * no more pairs that occur twice; `leastVocabulary` at least.
 */
export function learnByteLevelTokenizer(texts: Iterable<string>, size: number): LearnedTokenizer {
  const { tokens, merges } = learnBytePairs(countWords(texts), byteLetters, size - 1);
  const endToken = tokens.length;
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: [addedToken(endOfText, endToken)],
      normalizer: null,
      pre_tokenizer: preTokenizer,
      post_processor: null,
      decoder: preTokenizer,
      model: bytePairModel({ tokens: [...tokens, endOfText], merges }, null),
    },
    config: {
      backend: 'tokenizers',
      tokenizer_class: 'PreTrainedTokenizerFast',
      bos_token: endOfText,
      eos_token: endOfText,
      clean_up_tokenization_spaces: false,
    },
    size: endToken + 1,
    endToken,
  };
}

/** How often each word occurs, its bytes as letters. */
function countWords(texts: Iterable<string>): Map<string, number> {
  const split = compileSplit(preTokenizer, undefined);
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const { text: word } of split(AlignedText.of(text, [0, text.length])).words) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  return counts;
}
