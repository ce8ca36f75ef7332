// tokenizer.json for checkpoints that only have the vocabulary files of their time: vocab.txt of
// BERT (Devlin et al. 2019), vocab.json and merges.txt of GPT-2 (Radford et al. 2019) and RoBERTa
// (Liu et al. 2019). The same object that Hugging Face's conversion writes.

import type { JsonObject } from '../source/json.ts';
import { build, type TokenizerJson } from './tokenizer-class.ts';
import { namedTokens, tokenText } from './tokenizer-specials.ts';

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

/** A WordPiece tokenizer from vocab.txt: a token a line. */
export function fromWordList(words: string, added: JsonObject, config: JsonObject): TokenizerJson {
  const lines = words.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  const vocab = Object.fromEntries(lines.map((token, id) => [token, id]));
  return fromVocabulary('BertTokenizer', { type: 'WordPiece', vocab }, added, config);
}

/** A byte-level BPE tokenizer from vocab.json (token to id) and merges.txt (a pair a line). */
export function fromMerges(
  vocab: JsonObject,
  merges: string,
  added: JsonObject,
  config: JsonObject,
  family: 'gpt2' | 'roberta',
): TokenizerJson {
  const lines = merges.split(/\r?\n/);
  const model = {
    type: 'BPE',
    vocab,
    merges: lines.filter((line) => line !== '' && !line.startsWith('#version')),
  };
  const name = family === 'gpt2' ? 'GPT2Tokenizer' : 'RobertaTokenizer';
  return fromVocabulary(name, model, added, config);
}

/** With the tokens of added_tokens.json, of which those that the configuration names are special. */
function fromVocabulary(
  name: string,
  model: JsonObject,
  added: JsonObject,
  config: JsonObject,
): TokenizerJson {
  const { extra_special_tokens: extra = config['additional_special_tokens'] } = config;
  const special = new Set([
    ...Object.values(namedTokens(config)),
    ...(Array.isArray(extra) ? extra.map(tokenText) : []),
  ]);
  const tokens = Object.entries(added).toSorted(([, a], [, b]) => Number(a) - Number(b));
  const added_tokens = tokens.map(([content, id]) => {
    const isSpecial = special.has(content);
    return { id, content, normalized: !isSpecial, special: isSpecial };
  });
  return build(name, { model, added_tokens }, config);
}
