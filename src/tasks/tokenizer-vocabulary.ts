// tokenizer.json for checkpoints that only have the vocabulary files of their time: vocab.txt of
// BERT (Devlin et al. 2019), vocab.json and merges.txt of GPT-2 (Radford et al. 2019) and RoBERTa
// (Liu et al. 2019). The same object that Hugging Face's conversion writes.

import type { JsonObject } from '../source/json.ts';
import { tokenText } from './tokenizer-specials.ts';

/** What a vocabulary file gives: both of Hugging Face's files. */
interface Built {
  readonly tokenizer: JsonObject;
  readonly config: JsonObject;
}

/** Tokenizers that are alike, by the start of the class name or the model type. */
const families: Readonly<Record<string, string>> = {
  bert: 'bert convbert distilbert electra layoutlm mobilebert squeezebert',
  gpt2: 'gpt2 gpt_neo gptneo opt',
  roberta: 'roberta bart longformer led',
};

/** The family of `tokenizer_class`, else of `model_type`; a name of no family as it is. */
export function tokenizerFamily(config: JsonObject, modelConfig: JsonObject): string | undefined {
  const named = config['tokenizer_class'] ?? modelConfig['tokenizer_class'];
  const own = typeof named === 'string' && !named.startsWith('PreTrained');
  const name = own ? named.replace(/Tokenizer(Fast)?$/, '') : modelConfig['model_type'];
  if (typeof name !== 'string') return undefined;
  const known = Object.keys(families).find((family) =>
    families[family]?.split(' ').includes(name.toLowerCase()),
  );
  return known ?? name;
}

const bertTokens = {
  unk_token: '[UNK]',
  sep_token: '[SEP]',
  pad_token: '[PAD]',
  cls_token: '[CLS]',
  mask_token: '[MASK]',
};
const end = '<|endoftext|>';
const gpt2Tokens = { bos_token: end, eos_token: end, unk_token: end };
const robertaTokens = {
  bos_token: '<s>',
  eos_token: '</s>',
  unk_token: '<unk>',
  sep_token: '</s>',
  pad_token: '<pad>',
  cls_token: '<s>',
  mask_token: { content: '<mask>', lstrip: true },
};

/** A WordPiece tokenizer from vocab.txt: a token a line. */
export function fromWordList(words: string, added: JsonObject, given: JsonObject): Built {
  const config: JsonObject = { ...bertTokens, ...given };
  const lines = words.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  const vocab = Object.fromEntries(lines.map((token, id) => [token, id]));
  const cls = tokenText(config['cls_token']) ?? '';
  const sep = tokenText(config['sep_token']) ?? '';
  return build(config, vocab, added, {
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: config['tokenize_chinese_chars'] ?? true,
      strip_accents: config['strip_accents'] ?? null,
      lowercase: config['do_lower_case'] ?? true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: { type: 'BertProcessing', sep: [sep, vocab[sep]], cls: [cls, vocab[cls]] },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: tokenText(config['unk_token']),
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab,
    },
  });
}

/** A byte-level BPE tokenizer from vocab.json (token to id) and merges.txt (a pair a line). */
export function fromMerges(
  vocab: JsonObject,
  merges: string,
  added: JsonObject,
  given: JsonObject,
  family: 'gpt2' | 'roberta',
): Built {
  const config: JsonObject = { ...(family === 'gpt2' ? gpt2Tokens : robertaTokens), ...given };
  const prefix = config['add_prefix_space'] ?? false;
  const byteLevel = { type: 'ByteLevel', add_prefix_space: prefix, trim_offsets: false };
  const entry = (role: string): [string, unknown] => {
    const token = tokenText(config[role]) ?? '';
    return [token, vocab[token]];
  };
  const [bos, bosId] = entry('bos_token');
  const start = { SpecialToken: { id: bos, type_id: 0 } };
  const text = { Sequence: { id: 'A', type_id: 0 } };
  const starting = {
    type: 'TemplateProcessing',
    single: [start, text],
    pair: [start, text, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: { [bos]: { id: bos, ids: [bosId], tokens: [bos] } },
  };
  const framing = {
    type: 'RobertaProcessing',
    sep: entry('sep_token'),
    cls: entry('cls_token'),
    trim_offsets: true,
    add_prefix_space: prefix,
  };
  const plain = config['add_bos_token'] === true ? starting : byteLevel;
  return build(config, vocab, added, {
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: family === 'gpt2' ? plain : framing,
    decoder: { type: 'ByteLevel' },
    model: {
      type: 'BPE',
      vocab,
      merges: merges.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#version')),
    },
  });
}

/** Both files, with every special token and those of added_tokens.json as added tokens. */
function build(config: JsonObject, vocab: JsonObject, added: JsonObject, parts: JsonObject): Built {
  const tokens = new Map<string, JsonObject>();
  for (const [content, id] of Object.entries(added)) {
    tokens.set(content, { id, content, normalized: true, special: false });
  }
  const { additional_special_tokens: further } = config;
  const special = [
    ...Object.entries(config).flatMap(([key, token]) => (key.endsWith('_token') ? [token] : [])),
    ...(Array.isArray(further) ? (further as unknown[]) : []),
  ];
  for (const token of special) {
    const content = tokenText(token);
    const id = added[content ?? ''] ?? vocab[content ?? ''];
    if (content === undefined || id === undefined) continue;
    const flags = typeof token === 'object' ? token : {};
    tokens.set(content, { normalized: false, ...flags, id, content, special: true });
  }
  return { config, tokenizer: { version: '1.0', ...parts, added_tokens: [...tokens.values()] } };
}
