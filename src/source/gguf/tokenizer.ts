// tokenizer.json and tokenizer_config.json, from the metadata of a GGUF file: byte-level BPE, and the BPE of
// SentencePiece, whose merges follow from its scores.

import type { JsonObject } from '../json.ts';
import { architectureOf } from './architectures.ts';
import type { GgufHeader } from './header.ts';
import { mergesOf } from './merges.ts';
import type { Metadata } from './metadata.ts';
import { splitOf } from './pre-tokenizers.ts';

/** `llama_token_type` of llama.cpp. */
const [control, userDefined] = [3, 4];

const roles = { bos: 'bos', eos: 'eos', unk: 'unknown', pad: 'padding' };

const modelKey = 'tokenizer.ggml.model';

/** A vocabulary: of bytes, of SentencePiece, or of SentencePiece as Gemma has it. */
interface Vocabulary {
  readonly kind: 'bytes' | 'pieces' | 'gemma';
  readonly tokens: readonly string[];
}

/** tokenizer_config.json. @throws TransformerError MODEL_UNSUPPORTED, FILE_INVALID */
export function tokenizerConfigOf(header: GgufHeader): JsonObject {
  const { metadata } = header;
  const vocabulary = vocabularyOf(header);
  const template = metadata.text('tokenizer.chat_template');
  return {
    tokenizer_class: className(metadata, vocabulary),
    ...specialTokens(metadata, vocabulary),
    ...(vocabulary.kind === 'pieces' && {
      add_prefix_space: metadata.flag('tokenizer.ggml.add_space_prefix') ?? true,
    }),
    ...(template !== undefined && { chat_template: template }),
    // Complete: no other file is asked for more.
    backend: 'tokenizers',
  };
}

/** tokenizer.json. @throws TransformerError MODEL_UNSUPPORTED, FILE_INVALID */
export function tokenizerOf(header: GgufHeader): JsonObject {
  const { metadata } = header;
  const vocabulary = vocabularyOf(header);
  const { kind, tokens } = vocabulary;
  const common = {
    version: '1.0',
    added_tokens: addedTokens(tokens, metadata.numbers('tokenizer.ggml.token_type') ?? []),
  };
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const key = 'tokenizer.ggml.merges';
  if (kind !== 'bytes') {
    // What cuts words and puts them together again is the class's own.
    return {
      ...common,
      post_processor: frame(metadata, vocabulary, true),
      model: {
        type: 'BPE',
        fuse_unk: true,
        byte_fallback: true,
        vocab,
        merges: metadata.texts(key) ?? mergesOf(tokens, scoresOf(metadata, vocabulary)),
      },
    };
  }
  const { steps, isBegun = false, ignoresMerges = false } = splitOf(metadata);
  return {
    ...common,
    normalizer: null,
    pre_tokenizer: { type: 'Sequence', pretokenizers: steps },
    post_processor: frame(metadata, vocabulary, isBegun),
    decoder: { type: 'ByteLevel' },
    model: {
      type: 'BPE',
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: ignoresMerges,
      vocab,
      merges: metadata.need(key, metadata.texts(key)),
    },
  };
}

function vocabularyOf(header: GgufHeader): Vocabulary {
  const { metadata } = header;
  const model = metadata.text(modelKey);
  const key = 'tokenizer.ggml.tokens';
  const tokens = metadata.need(key, metadata.texts(key));
  if (model === 'gpt2') return { kind: 'bytes', tokens };
  if (model !== 'llama') throw metadata.unsupported(modelKey, 'gpt2 or llama');
  if (!architectureOf(header).className.startsWith('Gemma')) return { kind: 'pieces', tokens };
  return { kind: 'gemma', tokens: tokens.map(inMarks) };
}

function className(metadata: Metadata, { kind }: Vocabulary): string {
  if (kind === 'pieces') return 'LlamaTokenizer';
  if (kind === 'gemma') return 'GemmaTokenizer';
  return splitOf(metadata).className ?? 'PreTrainedTokenizerFast';
}

/** The score of each token. Gemma's are not in the order of its merges; its tokens are. */
function scoresOf(metadata: Metadata, { kind, tokens }: Vocabulary): readonly number[] {
  if (kind === 'gemma') return tokens.map((_, id) => -id);
  const key = 'tokenizer.ggml.scores';
  return metadata.need(key, metadata.numbers(key));
}

/** A token of several spaces as the words are that it stands in. */
function inMarks(token: string): string {
  return /^ {2,}$/.test(token) ? '\u2581'.repeat(token.length) : token;
}

function addedTokens(tokens: readonly string[], types: readonly number[]): JsonObject[] {
  return tokens.flatMap((content, id) => {
    const type = types[id];
    if (type !== control && type !== userDefined) return [];
    const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false };
    return [{ id, content, ...plain, special: type === control }];
  });
}

/** Tokens by their roles: `bos_token`, … */
function specialTokens(metadata: Metadata, { tokens }: Vocabulary): Record<string, string> {
  const named = Object.entries(roles).flatMap(([role, key]): [string, string][] => {
    const token = tokens[metadata.number(`tokenizer.ggml.${key}_token_id`) ?? -1];
    return token === undefined ? [] : [[`${role}_token`, token]];
  });
  return Object.fromEntries(named);
}

/** What stands before and behind each text. `isBegun`: whether a token begins it where nothing says so. */
function frame(metadata: Metadata, vocabulary: Vocabulary, isBegun: boolean): JsonObject {
  const named = specialTokens(metadata, vocabulary);
  const added = (role: 'bos' | 'eos', usual: boolean): readonly string[] => {
    const token = named[`${role}_token`];
    const isAdded = metadata.flag(`tokenizer.ggml.add_${role}_token`) ?? usual;
    return isAdded && token !== undefined ? [token] : [];
  };
  const [before, behind] = [added('bos', isBegun), added('eos', false)];
  const around = (text: 'A' | 'B', type_id: number): JsonObject[] => {
    const special = (id: string): JsonObject => ({ SpecialToken: { id, type_id } });
    return [...before.map(special), { Sequence: { id: text, type_id } }, ...behind.map(special)];
  };
  const used = [...before, ...behind].map((token): [string, JsonObject] => [
    token,
    { id: token, ids: [vocabulary.tokens.indexOf(token)], tokens: [token] },
  ]);
  return {
    type: 'TemplateProcessing',
    single: around('A', 0),
    pair: [...around('A', 0), ...around('B', 1)],
    special_tokens: Object.fromEntries(used),
  };
}
