// Which tokens of a vocabulary stand outside of the text: the added ones, which are found in a text
// before all else, and of these the special ones, of which some have a role.

import { isObject, type JsonObject, show } from '../source/json.ts';

/** Ids of tokens with a role; undefined where the tokenizer has none. */
export interface SpecialTokens {
  /** What rows of a batch are padded with. */
  readonly padToken: number | undefined;
  /** What a text begins with, of BERT and its kin. */
  readonly clsToken: number | undefined;
  /** What stands between two texts and behind them. */
  readonly sepToken: number | undefined;
  /** What stands for a gap. */
  readonly maskToken: number | undefined;
  /** What stands for what the vocabulary does not have. */
  readonly unkToken: number | undefined;
  /** What a text begins with, of language models. */
  readonly bosToken: number | undefined;
  /** What a text ends with. */
  readonly eosToken: number | undefined;
}

/** The text of a token that a file gives as a string or as an object with `content`. */
export function tokenText(value: unknown): string | undefined {
  const content = isObject(value) ? value['content'] : value;
  return typeof content === 'string' ? content : undefined;
}

/** The tokens that a configuration names: `bos_token`, …, and those of a model, `image_token`. */
export function namedTokens(config: JsonObject): Record<string, string> {
  const named: Record<string, string> = {};
  const { extra_special_tokens: further } = config;
  for (const [key, value] of Object.entries({ ...config, ...(isObject(further) && further) })) {
    const content = tokenText(value);
    if (key.endsWith('_token') && content !== undefined) named[key] = content;
  }
  return named;
}

/** A token's id in a vocabulary without added tokens, and how many tokens it has. */
export function vocabularyIds({ vocab }: JsonObject): {
  readonly idOf: (token: string) => number | undefined;
  readonly size: number;
} {
  if (isObject(vocab)) {
    const size = Object.keys(vocab).length;
    return {
      idOf: (token) => (Object.hasOwn(vocab, token) ? Number(vocab[token]) : undefined),
      size,
    };
  }
  const entries: unknown[] = Array.isArray(vocab) ? vocab : [];
  let ids: Map<unknown, number> | undefined;
  return {
    idOf: (token) => {
      ids ??= new Map(entries.map((entry, id) => [Array.isArray(entry) ? entry[0] : entry, id]));
      return ids.get(token);
    },
    size: entries.length,
  };
}

/** Ids are places in the table of embeddings; no table that can be held has as many rows. */
const idsBelow = 2 ** 24;

/** Refuses ids that are none, and entries of a list that are no tokens with scores. Errors: TypeError. */
export function checkVocabulary({ model, added_tokens: added }: JsonObject): void {
  const check = (token: string, id: unknown): void => {
    if (Number.isSafeInteger(id) && Number(id) >= 0 && Number(id) < idsBelow) return;
    throw new TypeError(
      `its token ${show(token)} has the id ${show(id)}; wanted a whole number below ${idsBelow}`,
    );
  };
  const vocab = isObject(model) ? model['vocab'] : undefined;
  if (isObject(vocab)) for (const [token, id] of Object.entries(vocab)) check(token, id);
  for (const entry of Array.isArray(vocab) ? (vocab as unknown[]) : []) {
    const [token, score] = Array.isArray(entry) ? (entry as unknown[]) : [];
    if (typeof token === 'string' && typeof score === 'number') continue;
    throw new TypeError(`its vocabulary has ${show(entry)}; wanted a token and its score`);
  }
  for (const token of Array.isArray(added) ? (added as unknown[]).filter(isObject) : []) {
    check(String(token['content']), token['id']);
  }
}

/**
 * The added tokens as transformers collects them: those of tokenizer.json (unless a class builds
 * the tokenizer anew), those of tokenizer_config.json, then those that it only names, which become
 * special. A token that is not in the vocabulary comes behind it.
 */
export function addedTokens(
  { model, added_tokens: listed }: JsonObject,
  config: JsonObject,
  isBuilt: boolean,
): JsonObject[] {
  const { idOf, size } = vocabularyIds(isObject(model) ? model : {});
  const named = new Set(Object.values(namedTokens(config)));
  const tokens = new Map<string, JsonObject>();
  let last = -1;
  const add = (token: JsonObject): void => {
    const content = tokenText(token);
    if (content === undefined || content === '') return;
    const special = token['special'] === true || named.has(content);
    const id = tokens.get(content)?.['id'] ?? idOf(content) ?? Math.max(last + 1, size);
    last = Math.max(last, Number(id));
    tokens.set(content, { ...token, content, special, id });
  };
  const own = (Array.isArray(listed) ? (listed as unknown[]) : []).filter(isObject);
  const { added_tokens_decoder: given } = config;
  const more = Object.entries(isObject(given) ? given : {})
    .toSorted(([a], [b]) => Number(a) - Number(b))
    .flatMap(([, token]) => (isObject(token) ? [token] : []));
  const isGiven = isObject(given);
  if (!isBuilt || !isGiven) for (const token of own) add(token);
  for (const token of more) add(token);
  const { extra_special_tokens: extra = config['additional_special_tokens'] } = config;
  const further: unknown[] = Array.isArray(extra) ? extra : [];
  for (const token of [...rolesOf(config), ...further]) {
    const content = tokenText(token);
    if (content === undefined || tokens.has(content)) continue;
    add({ normalized: false, ...(isObject(token) && token), content, special: true });
  }
  return [...tokens.values()];
}

const roles = ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'] as const;

/** The tokens of the configuration as it gives them, in the order in which they are added. */
function rolesOf(config: JsonObject): unknown[] {
  const usual = roles.map((role) => `${role}_token`);
  const others = Object.keys(namedTokens(config)).filter((key) => !usual.includes(key));
  return [...usual, ...others].map((key) => config[key] ?? namedTokens(config)[key]);
}

/**
 * Special tokens by the tokenizer's configuration. Where it says nothing (old checkpoints leave
 * them to the class), those of the template, and the usual spellings among the added tokens.
 */
export function specialTokens(
  config: JsonObject,
  { post_processor: template, added_tokens: added, model }: JsonObject,
  idOf: (token: string) => number | undefined,
): SpecialTokens {
  const known = new Set(
    (Array.isArray(added) ? (added as unknown[]) : []).map((token) =>
      isObject(token) && token['special'] === true ? token['content'] : undefined,
    ),
  );
  const processor = isObject(template) ? template : {};
  const framed = (role: 'cls' | 'sep'): unknown => {
    const entry = processor[role];
    return Array.isArray(entry) ? entry[0] : undefined;
  };
  const find = (role: string, ...usual: unknown[]): number | undefined => {
    const text =
      `${role}_token` in config
        ? tokenText(config[`${role}_token`])
        : usual.find((token) => typeof token === 'string' && known.has(token));
    return typeof text === 'string' ? idOf(text) : undefined;
  };
  const unknown = isObject(model) ? model['unk_token'] : undefined;
  return {
    padToken: find('pad', '[PAD]', '<pad>'),
    clsToken: find('cls', framed('cls'), '[CLS]'),
    sepToken: find('sep', framed('sep'), '[SEP]'),
    maskToken: find('mask', '[MASK]', '<mask>'),
    unkToken: find('unk', unknown, '[UNK]', '<unk>', end),
    bosToken: find('bos', '<s>', end),
    eosToken: find('eos', '</s>', end),
  };
}

const end = '<|endoftext|>';
