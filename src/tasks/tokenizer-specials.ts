// Which tokens of a vocabulary have a role: padding, separators, mask, start and end.

import type { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { isObject, type JsonObject } from '../source/json.ts';

/** Ids of tokens with a role; undefined where the tokenizer has none. */
export interface SpecialTokens {
  readonly padToken: number | undefined;
  readonly clsToken: number | undefined;
  readonly sepToken: number | undefined;
  readonly maskToken: number | undefined;
  readonly unkToken: number | undefined;
  readonly bosToken: number | undefined;
  readonly eosToken: number | undefined;
}

/** The text of a token that a file gives as a string or as an object with `content`. */
export function tokenText(value: unknown): string | undefined {
  const content = isObject(value) ? value['content'] : value;
  return typeof content === 'string' ? content : undefined;
}

/**
 * Special tokens by the tokenizer's configuration. Where it says nothing (old checkpoints leave
 * them to the class), those of the template, and the usual spellings among the added tokens.
 */
export function specialTokens(
  config: JsonObject,
  json: JsonObject,
  tokenizer: HuggingFaceTokenizer,
): SpecialTokens {
  const added = new Set(
    [...tokenizer.get_added_tokens_decoder().values()]
      .filter(({ special }) => special)
      .map(({ content }) => content),
  );
  const processor = isObject(json['post_processor']) ? json['post_processor'] : {};
  const framed = (role: 'cls' | 'sep'): unknown => {
    const entry = processor[role];
    return Array.isArray(entry) ? entry[0] : undefined;
  };
  const find = (role: string, ...usual: unknown[]): number | undefined => {
    const named = tokenText(config[`${role}_token`]);
    const text = named ?? usual.find((token) => typeof token === 'string' && added.has(token));
    return typeof text === 'string' ? tokenizer.token_to_id(text) : undefined;
  };
  return {
    padToken: find('pad', '[PAD]', '<pad>'),
    clsToken: find('cls', framed('cls'), '[CLS]'),
    sepToken: find('sep', framed('sep'), '[SEP]'),
    maskToken: find('mask', '[MASK]', '<mask>'),
    unkToken: find('unk', tokenizer.model?.unk_token, '[UNK]', '<unk>', '<|endoftext|>'),
    bosToken: find('bos', '<s>', '<|endoftext|>'),
    eosToken: find('eos', '</s>', '<|endoftext|>'),
  };
}
