// From a text to tokens that know where they stand in it: added tokens are found first, what lies
// between them is normalized and cut into words, and the model cuts the words into tokens.

import {
  BPE,
  type Model,
  type Tokenizer as HuggingFaceTokenizer,
  Unigram,
  WordPiece,
} from '@huggingface/tokenizers';
import { isObject, type JsonObject, show } from '../source/json.ts';
import { AlignedText, type Span } from './aligned-text.ts';
import { compileNormalizer, type PrecompiledMap } from './normalize.ts';
import { withoutSpaces } from './patterns.ts';
import { compileSplit } from './split.ts';

/** A token, and where it stands in the text. */
export interface Piece {
  readonly id: number;
  readonly span: Span;
}

/** A token within a word. */
interface Part {
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

export interface Encoder {
  readonly encode: (text: string) => Piece[];
  /** A text as the normalizer leaves it. */
  readonly normalize: (text: string) => string;
}

/**
 * The tokens of a text, without those that a template adds. Special tokens in the text count as
 * plain text where `splitsSpecial`. Throws a TypeError at what is unknown.
 */
export function compileEncoder(
  tokenizer: HuggingFaceTokenizer,
  json: JsonObject,
  splitsSpecial: boolean,
  precompiled: PrecompiledMap | undefined,
): Encoder {
  const normalize = compileNormalizer(tokenizer.normalizer, precompiled);
  const split = compileSplit(json['pre_tokenizer']);
  const { model } = tokenizer;
  if (model === null) throw new TypeError('it has no model');
  const parts = compileModel(model, isObject(json['model']) ? json['model'] : {});
  const added = [...tokenizer.get_added_tokens_decoder().values()].filter(
    (token) => !(token.special && splitsSpecial),
  );
  const plain = tokenFinder(added.filter((token) => !token.normalized));
  const normalizeText = (content: string): string =>
    normalize(AlignedText.of(content, [0, content.length])).text;
  const normalized = tokenFinder(
    added.filter((token) => token.normalized),
    normalizeText,
  );

  const encode = (text: string): Piece[] => {
    const pieces: Piece[] = [];
    for (const [section, id] of plain(AlignedText.of(text, [0, text.length]))) {
      if (id !== undefined) {
        pieces.push({ id, span: section.source([0, section.text.length]) });
        continue;
      }
      for (const [run, known] of normalized(normalize(section))) {
        if (known !== undefined) {
          pieces.push({ id: known, span: run.source([0, run.text.length]) });
          continue;
        }
        for (const word of split(run)) {
          if (word.text === '') continue;
          for (const { id: token, start, end } of parts(word.text)) {
            pieces.push({ id: token, span: word.source([start, end]) });
          }
        }
      }
    }
    return pieces;
  };
  return { encode, normalize: normalizeText };
}

type AddedToken =
  ReturnType<HuggingFaceTokenizer['get_added_tokens_decoder']> extends Map<number, infer Token>
    ? Token
    : never;

/** A part of a text, with its id when it is an added token. */
type Section = readonly [text: AlignedText, id: number | undefined];

const wordEnd = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_C}]$/u;
const wordStart = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_C}]/u;

/** Cuts texts at added tokens: the first that matches, of several there the longest. */
function tokenFinder(
  tokens: readonly AddedToken[],
  normalize: (content: string) => string = (content) => content,
): (text: AlignedText) => Section[] {
  const known = new Map<string, AddedToken>();
  for (const token of tokens) {
    const content = normalize(token.content);
    if (content !== '') known.set(content, token);
  }
  const contents = [...known.keys()].toSorted((a, b) => b.length - a.length);
  const escaped = contents.map((content) => content.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
  const pattern = new RegExp(escaped.join('|'), 'gu');

  return (text) => {
    const sections: Section[] = [];
    let at = 0;
    const add = (end: number, id?: number): void => {
      if (end > at) sections.push([text.slice(at, end), id]);
      at = Math.max(at, end);
    };
    if (known.size === 0) return text.text === '' ? [] : [[text, undefined]];
    for (const { 0: content, index } of text.text.matchAll(pattern)) {
      const token = known.get(content);
      if (token === undefined || index < at) continue;
      let start = index;
      let end = index + content.length;
      const before = text.text.slice(at, start);
      const after = text.text.slice(end);
      const joined = wordEnd.test(text.text.slice(0, start)) || wordStart.test(after);
      if (token.single_word && joined) continue;
      if (token.lstrip) start -= before.length - withoutSpaces(before, 'end').length;
      if (token.rstrip) end += after.length - withoutSpaces(after, 'start').length;
      add(start);
      add(end, token.id);
    }
    add(text.text.length);
    return sections;
  };
}

/** How the model cuts a word into tokens. */
function compileModel(model: Model, json: JsonObject): (word: string) => Part[] {
  const ids = model.tokens_to_ids;
  const { config } = model;
  const unknownToken = model.unk_token ?? ('unk_token' in config ? config.unk_token : undefined);
  const unknown = ids.get(unknownToken ?? '') ?? model.unk_token_id;
  const unknownPart = (start: number, end: number): Part[] =>
    unknown === undefined ? [] : [{ id: unknown, start, end }];

  if (model instanceof WordPiece) {
    const prefix = model.config.continuing_subword_prefix ?? '##';
    return (word) => {
      let at = 0;
      const tokens = model.encode([word]);
      const [only] = tokens;
      if (only === undefined || (tokens.length === 1 && only !== word)) {
        return unknownPart(0, word.length);
      }
      return tokens.map((token, i) => {
        const start = at;
        at += token.length - (i === 0 ? 0 : prefix.length);
        return { id: ids.get(token) ?? 0, start, end: at };
      });
    };
  }
  if (model instanceof Unigram) {
    const spelled = json['byte_fallback'] === true;
    return (word) => {
      const parts = fuse(placed(model.encode([word]), ids, unknownPart), unknown);
      if (!spelled) return parts;
      return parts.flatMap((part) => {
        if (part.id !== unknown) return [part];
        return byteParts(word.slice(part.start, part.end), ids, part) ?? [part];
      });
    };
  }
  if (model instanceof BPE) {
    const { continuing_subword_prefix: prefix } = json;
    if (typeof prefix === 'string' && prefix !== '') {
      throw new TypeError(`its model has the continuing_subword_prefix ${show(prefix)}`);
    }
    return (word) => {
      if (model.ignore_merges && ids.has(word)) return placed([word], ids, unknownPart);
      const pieces = placed(model.bpe(word), ids, (start, end, token) => {
        const bytes = model.byte_fallback ? byteParts(token, ids, { start, end }) : undefined;
        return bytes ?? unknownPart(start, end);
      });
      // The mark of a word's end, which its last token may carry, stands for nothing.
      const parts = pieces.map((part) => ({ ...part, end: Math.min(part.end, word.length) }));
      return model.fuse_unk ? fuse(parts, unknown) : parts;
    };
  }
  return (word) => placed([word], ids, unknownPart);
}

/** Tokens that follow each other without a gap; `missing` says what stands for an unknown one. */
function placed(
  tokens: readonly string[],
  ids: ReadonlyMap<string, number>,
  missing: (start: number, end: number, token: string) => Part[],
): Part[] {
  let at = 0;
  return tokens.flatMap((token) => {
    const start = at;
    at += token.length;
    const id = ids.get(token);
    return id === undefined ? missing(start, at, token) : [{ id, start, end: at }];
  });
}

const encoder = new TextEncoder();

/** A text as the tokens `<0x00>` to `<0xFF>` of its bytes; undefined when one is not there. */
function byteParts(
  text: string,
  ids: ReadonlyMap<string, number>,
  { start, end }: Omit<Part, 'id'>,
): Part[] | undefined {
  const parts: Part[] = [];
  for (const byte of encoder.encode(text)) {
    const id = ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
    if (id === undefined) return undefined;
    parts.push({ id, start, end });
  }
  return parts;
}

/** Unknown tokens side by side become one. */
function fuse(parts: readonly Part[], unknown: number | undefined): Part[] {
  const fused: Part[] = [];
  for (const part of parts) {
    const last = fused.at(-1);
    if (part.id === unknown && last?.id === unknown && last !== undefined) {
      fused[fused.length - 1] = { ...last, end: part.end };
    } else fused.push(part);
  }
  return fused;
}
