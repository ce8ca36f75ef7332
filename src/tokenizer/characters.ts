// The tokenizer of vocab.json alone: a token is a character, and one of them stands between words, as speech is written
// down label by label (`Wav2Vec2CTCTokenizer` of Hugging Face).

import { TransformerError } from '../runtime/errors.ts';
import { isObject, type JsonObject, show } from '../source/json.ts';
import type { TokenizerJson } from './class.ts';
import { addedTokens, tokenText } from './specials.ts';

const usual = {
  bos_token: '<s>',
  eos_token: '</s>',
  unk_token: '<unk>',
  pad_token: '<pad>',
  word_delimiter_token: '|',
};

/** `vocabulary`: token to id, or such a one for each language. Errors: FILE_INVALID. */
export function fromCharacters(
  vocabulary: JsonObject,
  added: JsonObject,
  given: JsonObject,
): TokenizerJson {
  const config: JsonObject = { ...usual, ...given };
  const vocab = ofLanguage(vocabulary, config['target_lang']);
  const [pad, delimiter] = ['pad', 'word_delimiter'].map((role) =>
    tokenText(config[`${role}_token`]),
  );
  const model = {
    type: 'WordPiece',
    vocab,
    unk_token: tokenText(config['unk_token']),
    continuing_subword_prefix: '',
  };
  const listed = Object.entries(added).map(([content, id]) => ({ id, content }));
  // What stands between words is a part of the text.
  const added_tokens = addedTokens({ model, added_tokens: listed }, config, true).map((token) =>
    token['content'] === delimiter ? { ...token, special: false } : token,
  );
  const space = { pattern: { String: ' ' }, content: delimiter };
  return {
    config,
    tokenizer: {
      version: '1.0',
      added_tokens,
      normalizer: { type: 'Replace', ...space },
      pre_tokenizer: {
        type: 'Split',
        pattern: { Regex: '[\\s\\S]' },
        behavior: 'Isolated',
        invert: false,
      },
      model,
      post_processor: null,
      decoder: {
        type: 'Sequence',
        decoders: [
          { type: 'CTC', pad_token: pad, word_delimiter_token: delimiter, cleanup: false },
          { type: 'Replace', pattern: { String: delimiter }, content: ' ' },
          { type: 'Fuse' },
          { type: 'Strip', content: ' ', start: 1, stop: 1 },
        ],
      },
    },
  };
}

function ofLanguage(vocabulary: JsonObject, language: unknown): JsonObject {
  if (!Object.values(vocabulary).some(isObject)) return vocabulary;
  const own = typeof language === 'string' ? vocabulary[language] : undefined;
  if (isObject(own)) return own;
  const languages = Object.keys(vocabulary).slice(0, 8).join(', ');
  throw new TransformerError(
    'FILE_INVALID',
    `vocab.json has a vocabulary for each language (${languages}, …), but tokenizer_config.json has the ` +
      `target_lang ${show(language)}. Name one of them there.`,
  );
}
