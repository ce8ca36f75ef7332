// The tokenizer of the recipe's translator: a subword vocabulary learned from training pairs, written
// as tokenizer.json and tokenizer_config.json, which Hugging Face's libraries and this one read.

import type { JsonObject } from '../source/json.ts';
import { learnBytePairs } from '../training/data/byte-pair-encoding.ts';
import { addedToken, bytePairModel } from '../training/data/tokenizer-file.ts';
import { type Field, narrowField } from './fields.ts';
import { specialSpaces } from './formats.ts';
import { outsideSettings, outsideToken } from './outside.ts';
import { pairAt } from './phrases.ts';

/** The first token ids, in order: a model's configuration names them. Target languages are tokens. */
function specialTokensOf({ languages, turns }: Field): string[] {
  const outside = turns.includes('outside') ? [outsideToken] : [];
  return ['<pad>', '</s>', '<unk>', ...outside, ...languages.map((to) => `>>${to}<<`)];
}

/** Stands for a space inside a token, as in SentencePiece. */
const metaspace = '▁';

/**
 * The pieces of a text, none of which a token ever spans: a digit; a punctuation mark with the space
 * behind it; a word with the space before it; any other character.
 */
const piece = `[0-9]|\\p{P}${metaspace}?|${metaspace}?\\p{L}+|[^0-9\\p{P}\\p{L}]`;
const pieces = new RegExp(piece, 'gu');

/** The space and printable ASCII, so that no plain English text holds an unknown character. */
const alphabet = [
  metaspace,
  ...Array.from({ length: 0x7e - 0x20 }, (_, i) => String.fromCodePoint(0x21 + i)),
];

export interface PhraseTokenizer {
  /** tokenizer.json */
  readonly tokenizer: JsonObject;
  /** tokenizer_config.json */
  readonly config: JsonObject;
  /** What the config.json of a model says of its tokens. */
  readonly settings: JsonObject;
}

/**
 * Learns `size` tokens, special ones included, from the first `pairs` training pairs of `seed` in a field. The
 * same arguments give the same tokens wherever Intl has the same texts; a trained model keeps the
 * files it was trained with.
 */
export function buildTokenizer(
  seed = 0,
  size = 512,
  pairs = 20_000,
  field: Field = narrowField,
): PhraseTokenizer {
  const specialTokens = specialTokensOf(field);
  const counts = countPieces(seed, pairs, field);
  const encoding = learnBytePairs(counts, alphabet, size - specialTokens.length);
  const vocabulary = [...specialTokens, ...encoding.tokens];
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: specialTokens.map(addedToken),
      normalizer: {
        type: 'Sequence',
        normalizers: [
          { type: 'Replace', pattern: { Regex: specialSpaces }, content: ' ' },
          { type: 'NFC' },
        ],
      },
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [
          { type: 'Metaspace', replacement: metaspace, prepend_scheme: 'never', split: false },
          { type: 'Split', pattern: { Regex: piece }, behavior: 'Isolated', invert: false },
        ],
      },
      post_processor: appendEndOfSequence,
      decoder: {
        type: 'Sequence',
        decoders: [
          { type: 'Replace', pattern: { String: metaspace }, content: ' ' },
          { type: 'Fuse' },
        ],
      },
      model: bytePairModel({ ...encoding, tokens: vocabulary }, '<unk>'),
    },
    config: {
      backend: 'tokenizers',
      tokenizer_class: 'PreTrainedTokenizerFast',
      model_max_length: 512,
      pad_token: '<pad>',
      eos_token: '</s>',
      unk_token: '<unk>',
      clean_up_tokenization_spaces: false,
    },
    settings: outsideSettings(vocabulary.indexOf(outsideToken)),
  };
}

/** How often each piece of a text occurs in the training data, sources and targets alike. */
function countPieces(seed: number, pairs: number, field: Field): Map<string, number> {
  const counts = new Map<string, number>();
  for (let index = 0; index < pairs; index++) {
    const { source, target } = pairAt(seed, index, field);
    // What is outside of the field is of words that no answer needs.
    if (target === outsideToken) continue;
    for (const text of [source.replace(/^>>..<</, ''), target]) {
      for (const one of text.replaceAll(' ', metaspace).match(pieces) ?? []) {
        counts.set(one, (counts.get(one) ?? 0) + 1);
      }
    }
  }
  return counts;
}

/** Post-processor: `</s>` behind a text, or behind the second of two. */
const appendEndOfSequence: JsonObject = {
  type: 'TemplateProcessing',
  single: [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '</s>', type_id: 0 } }],
  pair: [
    { Sequence: { id: 'A', type_id: 0 } },
    { Sequence: { id: 'B', type_id: 0 } },
    { SpecialToken: { id: '</s>', type_id: 0 } },
  ],
  special_tokens: { '</s>': { id: '</s>', ids: [1], tokens: ['</s>'] } },
};
