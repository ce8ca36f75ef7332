// What transformers does with a tokenizer's class, loaded with the first tokenizer that names one.
// A class builds its tokenizer anew: from the files it takes vocabulary, merges, a map of characters
// and most often the template, but the normalizer, the pre-tokenizer and the decoder are its own,
// with the settings of tokenizer_config.json.

import { isObject, type JsonObject } from '../source/json.ts';
import { camembert, codeLlama, gemma, llama, t5, xlmRoberta } from './class-marks.ts';
import type { TokenId, TokenizerClass } from './class-parts.ts';
import { bert, clip, gpt2, neoX, qwen2, roberta } from './class-words.ts';
import { addedTokens, tokenText, vocabularyIds } from './specials.ts';

const classes: Readonly<Record<string, TokenizerClass>> = {
  BertTokenizer: bert,
  DistilBertTokenizer: bert,
  ElectraTokenizer: bert,
  LxmertTokenizer: bert,
  MobileBertTokenizer: bert,
  SqueezeBertTokenizer: bert,
  CLIPTokenizer: clip,
  GPT2Tokenizer: gpt2,
  GPTNeoXTokenizer: neoX,
  Qwen2Tokenizer: qwen2,
  BartTokenizer: roberta,
  LEDTokenizer: roberta,
  LongformerTokenizer: roberta,
  MvpTokenizer: roberta,
  RobertaTokenizer: roberta,
  CamembertTokenizer: camembert,
  XLMRobertaTokenizer: xlmRoberta,
  T5Tokenizer: t5,
  CodeLlamaTokenizer: codeLlama,
  LlamaTokenizer: llama,
  Phi3Tokenizer: llama,
  GemmaTokenizer: gemma,
};

/** Both of Hugging Face's files, as a tokenizer is made from them. */
export interface TokenizerJson {
  readonly tokenizer: JsonObject;
  readonly config: JsonObject;
}

/**
 * The tokenizer as its class builds it; undefined where tokenizer.json is taken as it is, or where
 * the class cannot be built from such a vocabulary.
 */
export function rebuilt(
  tokenizer: JsonObject,
  given: JsonObject,
  modelConfig: JsonObject,
): TokenizerJson | undefined {
  const name = classOf(given, modelConfig, () => JSON.stringify(tokenizer).includes('"ByteLevel"'));
  const { model } = tokenizer;
  if (name === undefined || !isObject(model) || classes[name]?.model !== model['type']) {
    return undefined;
  }
  // Where there is tokenizer.json, its template says what stands around a text.
  const { add_bos_token: _, add_eos_token: __, ...config } = given;
  return build(name, tokenizer, config);
}

/** The tokenizer of a class; of `tokenizer` it takes model, added tokens, template, and charsmap. */
export function build(name: string, tokenizer: JsonObject, given: JsonObject): TokenizerJson {
  const known = classes[name] ?? gpt2;
  const merged = { ...known.defaults, ...given };
  const config: JsonObject = { ...merged, extra_special_tokens: extraTokens(merged, known) };
  const { model, normalizer, post_processor: postProcessor } = tokenizer;
  const parts = { model: isObject(model) ? model : {}, normalizer, postProcessor };
  const added = addedTokens(tokenizer, config, true);
  const { idOf } = vocabularyIds(parts.model);
  const id: TokenId = (role) => {
    const token = tokenText(config[`${role}_token`]) ?? '';
    return [token, added.find(({ content }) => content === token)?.['id'] ?? idOf(token)];
  };
  const built = known.build(config, parts, id);
  return { config, tokenizer: { version: '1.0', ...built, added_tokens: added } };
}

/** The further special tokens of the files, or those that the class brings where there are none. */
function extraTokens(config: JsonObject, { extra }: TokenizerClass): unknown {
  const { extra_special_tokens: given = config['additional_special_tokens'] } = config;
  return (Array.isArray(given) && given.length > 0) || isObject(given) ? given : extra?.(config);
}

/** Classes by `model_type`, of those this library runs, where the files name none. */
const registered: Readonly<Record<string, string>> = {
  bart: 'RobertaTokenizer',
  bert: 'BertTokenizer',
  clip: 'CLIPTokenizer',
  clip_text_model: 'CLIPTokenizer',
  distilbert: 'BertTokenizer',
  gemma2: 'GemmaTokenizer',
  gemma3_text: 'GemmaTokenizer',
  gpt2: 'GPT2Tokenizer',
  mistral: 'TokenizersBackend',
  qwen2: 'Qwen2Tokenizer',
  qwen3: 'Qwen2Tokenizer',
  roberta: 'RobertaTokenizer',
  t5: 'T5Tokenizer',
  'xlm-roberta': 'XLMRobertaTokenizer',
};

/**
 * The class that builds a checkpoint's tokenizer; undefined where tokenizer.json is taken as it is.
 * Llama's class over bytes is a habit of old files: then it builds nothing.
 */
function classOf(
  config: JsonObject,
  modelConfig: JsonObject,
  usesBytes: () => boolean,
): string | undefined {
  const named = config['tokenizer_class'] ?? modelConfig['tokenizer_class'];
  const own = typeof named === 'string' ? named.replace(/Fast$/, '') : undefined;
  const type = String(modelConfig['model_type']);
  const usual = registered[type];
  // Files of this type name wrong classes so often that transformers does not believe them.
  const believed = type === 'qwen2' ? usual : own;
  const taken = own === undefined || usual === undefined ? (own ?? usual) : believed;
  if (own !== usual && usual === 'TokenizersBackend') return undefined;
  if (own === 'LlamaTokenizer' && type !== 'qwen2' && usesBytes()) return undefined;
  return taken !== undefined && Object.hasOwn(classes, taken) ? taken : undefined;
}
