// Pieces of tokenizer.json from which the classes of tokenizer-class.ts build theirs.

import { isObject, type JsonObject } from '../source/json.ts';

/** What a class takes from tokenizer.json or from the vocabulary files before it. */
export interface ClassParts {
  readonly model: JsonObject;
  readonly normalizer?: unknown;
  readonly postProcessor?: unknown;
}

export interface TokenizerClass {
  readonly model: 'WordPiece' | 'BPE' | 'Unigram';
  /** Settings and tokens where tokenizer_config.json has none. */
  readonly defaults: JsonObject;
  /** Further special tokens that the class brings. */
  readonly extra?: (config: JsonObject) => readonly string[];
  readonly build: (config: JsonObject, parts: ClassParts, id: TokenId) => JsonObject;
}

/** A token and its id by its role in the configuration. */
export type TokenId = (role: string) => readonly [token: string, id: unknown];

/** The tokens of RoBERTa and those after it. */
export const framedTokens = {
  bos_token: '<s>',
  eos_token: '</s>',
  sep_token: '</s>',
  cls_token: '<s>',
  unk_token: '<unk>',
  pad_token: '<pad>',
};

/** What stands for a space in a vocabulary of SentencePiece. */
export const mark = '\u2581';

export function vocabularyOf({ type, vocab, merges }: JsonObject): JsonObject {
  return { type, vocab, ...(merges !== undefined && { merges }) };
}

export function byteLevel(config: JsonObject): JsonObject {
  const prefixed = config['add_prefix_space'] ?? false;
  return { type: 'ByteLevel', add_prefix_space: prefixed, trim_offsets: true, use_regex: true };
}

export function metaspace(scheme: 'always' | 'first' | 'never'): JsonObject {
  return { type: 'Metaspace', replacement: mark, prepend_scheme: scheme, split: true };
}

/** Marks back to spaces and bytes to characters, without the space put in front of a text. */
export function spaceDecoder(prefixed: boolean): JsonObject {
  const decoders = [
    { type: 'Replace', pattern: { String: mark }, content: ' ' },
    { type: 'ByteFallback' },
    { type: 'Fuse' },
    ...(prefixed ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
  ];
  return { type: 'Sequence', decoders };
}

/** The map of characters that the file's normalizer has, which alone these classes keep. */
export function charsmap(normalizer: unknown): unknown {
  const { normalizers } = isObject(normalizer) ? normalizer : {};
  const steps: unknown[] = Array.isArray(normalizers) ? normalizers : [normalizer];
  return steps.find((step) => isObject(step) && step['type'] === 'Precompiled') ?? null;
}

type Place = Readonly<Record<'Sequence' | 'SpecialToken', { id: string; type_id: number }>>;
export type Slot = Partial<Place> & { readonly ids?: readonly unknown[] };

export const textA: Slot = { Sequence: { id: 'A', type_id: 0 } };
export const textB: Slot = { Sequence: { id: 'B', type_id: 0 } };

export function special(token: string, id: unknown): Slot {
  return { SpecialToken: { id: token, type_id: 0 }, ids: [id] };
}

/** A place that counts as the second segment. */
function second({ Sequence: text, SpecialToken: token, ids }: Slot): Slot {
  return {
    ...(text && { Sequence: { ...text, type_id: 1 } }),
    ...(token && { SpecialToken: { ...token, type_id: 1 } }),
    ...(ids && { ids }),
  };
}

export function template(single: readonly Slot[], pair: readonly Slot[]): JsonObject {
  const tokens = pair.flatMap(({ SpecialToken: token, ids }) =>
    token === undefined ? [] : [[token.id, { ids }] as const],
  );
  const bare = ({ Sequence: text, SpecialToken: token }: Slot): Slot => ({
    ...(text && { Sequence: text }),
    ...(token && { SpecialToken: token }),
  });
  return {
    type: 'TemplateProcessing',
    single: single.map(bare),
    pair: pair.map(bare),
    special_tokens: Object.fromEntries(tokens),
  };
}

export const plainTemplate: JsonObject = template([textA], [textA, second(textB)]);

/** Each text after a token that begins it. */
export function begun([token, id]: readonly [string, unknown]): JsonObject {
  const bos = special(token, id);
  return template([bos, textA], [bos, textA, second(bos), second(textB)]);
}

export function unigramId(vocab: unknown, token: string | undefined): number | undefined {
  const entries: unknown[] = Array.isArray(vocab) ? vocab : [];
  const at = entries.findIndex((entry) => Array.isArray(entry) && entry[0] === token);
  return at < 0 ? undefined : at;
}
