// The classes of BERT and of those that read bytes: GPT-2 and RoBERTa, GPT-NeoX, Qwen2, CLIP.

import {
  begun,
  byteLevel,
  framedTokens,
  plainTemplate,
  type TokenizerClass,
  vocabularyOf,
} from './class-parts.ts';
import { tokenText } from './specials.ts';

const end = '<|endoftext|>';
const byteModel = { fuse_unk: false, byte_fallback: false, unk_token: null };

export const bert: TokenizerClass = {
  model: 'WordPiece',
  defaults: {
    unk_token: '[UNK]',
    sep_token: '[SEP]',
    pad_token: '[PAD]',
    cls_token: '[CLS]',
    mask_token: '[MASK]',
  },
  build: (config, { model }, id) => ({
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: config['tokenize_chinese_chars'] ?? true,
      strip_accents: config['strip_accents'] ?? null,
      lowercase: config['do_lower_case'] ?? true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: { type: 'BertProcessing', cls: id('cls'), sep: id('sep') },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: tokenText(config['unk_token']),
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: model['vocab'],
    },
  }),
};

/** GPT-2's bytes; GPT-NeoX and Qwen2 normalize before, Qwen2 cuts words by a pattern of its own. */
export const gpt2: TokenizerClass = {
  model: 'BPE',
  defaults: { bos_token: end, eos_token: end, unk_token: end },
  build: (config, { model, postProcessor }, id) => ({
    normalizer: null,
    pre_tokenizer: byteLevel(config),
    post_processor:
      config['add_bos_token'] === true ? begun(id('bos')) : (postProcessor ?? plainTemplate),
    decoder: { type: 'ByteLevel' },
    model: { ...vocabularyOf(model), ...byteModel },
  }),
};

export const neoX: TokenizerClass = {
  ...gpt2,
  defaults: { ...gpt2.defaults, pad_token: '<|padding|>' },
  build: (config, parts, id) => ({
    ...gpt2.build(config, parts, id),
    normalizer: { type: 'NFC' },
    post_processor: plainTemplate,
  }),
};

export const qwen2: TokenizerClass = {
  ...gpt2,
  defaults: { eos_token: end, unk_token: end, pad_token: end },
  build: (config, parts, id) => ({
    ...gpt2.build(config, parts, id),
    normalizer: { type: 'NFC' },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: qwenWords }, behavior: 'Isolated', invert: false },
        { ...byteLevel(config), use_regex: false },
      ],
    },
  }),
};

const qwenWords = [
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)",
  '[^\\r\\n\\p{L}\\p{N}]?\\p{L}+',
  '\\p{N}',
  ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*',
  '\\s*[\\r\\n]+',
  '\\s+(?!\\S)',
  '\\s+',
].join('|');

export const roberta: TokenizerClass = {
  ...gpt2,
  defaults: { ...framedTokens, mask_token: '<mask>' },
  build: (config, parts, id) => ({
    ...gpt2.build(config, parts, id),
    post_processor: {
      type: 'RobertaProcessing',
      sep: id('sep'),
      cls: id('cls'),
      trim_offsets: config['trim_offsets'] ?? true,
      add_prefix_space: config['add_prefix_space'] ?? false,
    },
  }),
};

/** Lower case, and a mark behind each word, which decoding makes a space. */
export const clip: TokenizerClass = {
  model: 'BPE',
  defaults: { bos_token: '<|startoftext|>', eos_token: end, unk_token: end, pad_token: end },
  build: (config, { model }, id) => ({
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'NFC' },
        { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
        { type: 'Lowercase' },
      ],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: clipWords }, behavior: 'Removed', invert: true },
        byteLevel({}),
      ],
    },
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'ByteLevel' },
        { type: 'Replace', pattern: { String: wordEnd }, content: ' ' },
        { type: 'Strip', content: ' ', start: 1, stop: 1 },
      ],
    },
    post_processor: {
      type: 'RobertaProcessing',
      sep: id('eos'),
      cls: id('bos'),
      trim_offsets: false,
      add_prefix_space: false,
    },
    model: {
      ...vocabularyOf(model),
      ...byteModel,
      unk_token: tokenText(config['unk_token']),
      end_of_word_suffix: wordEnd,
    },
  }),
};

const wordEnd = '</w>';

const clipWords = [
  '<\\|startoftext\\|>',
  '<\\|endoftext\\|>',
  "'s|'t|'re|'ve|'m|'ll|'d",
  '[\\p{L}]+',
  '[\\p{N}]',
  '[^\\s\\p{L}\\p{N}]+',
].join('|');
