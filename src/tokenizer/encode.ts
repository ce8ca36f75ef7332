// From a text to tokens that know where they stand in it: added tokens are found first, what lies
// between them is normalized and cut into words, and the model cuts the words into tokens.

import type { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { isObject, type JsonObject } from '../source/json.ts';
import { AlignedText, type Span } from './aligned-text.ts';
import { cutPlace, isLocal, liesAcross } from './cut-place.ts';
import { compileModel } from './models.ts';
import { compileNormalizer, type TextTools } from './normalize.ts';
import { afterSpaces, beforeSpaces } from './patterns.ts';
import { compileSplit } from './split.ts';

/** A token, and where it stands in the text. */
export interface Piece {
  readonly id: number;
  readonly span: Span;
}

export interface Encoder {
  readonly encode: (text: string) => Piece[];
  /**
   * At least `count` of the first tokens of a long text, where that is possible without a look at the
   * rest of it: the same as `encode` gives.
   */
  readonly begin: (text: string, count: number) => Piece[] | undefined;
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
  tools: TextTools,
): Encoder {
  const normalize = compileNormalizer(json['normalizer'], tools);
  const split = compileSplit(json['pre_tokenizer'], tools.regex);
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

  /** The tokens of a text; where it goes on, those that are certain. */
  const tokens = (text: string, goesOn: boolean): Piece[] => {
    const pieces: Piece[] = [];
    const sections = plain(AlignedText.of(text, [0, text.length]));
    for (const [i, [section, id]] of sections.entries()) {
      const isLast = goesOn && i === sections.length - 1;
      if (id !== undefined) {
        if (!isLast) pieces.push({ id, span: section.source([0, section.text.length]) });
        continue;
      }
      const runs = normalized(normalize(section));
      for (const [k, [run, known]] of runs.entries()) {
        const isOpen = isLast && k === runs.length - 1;
        if (known !== undefined) {
          if (!isOpen) pieces.push({ id: known, span: run.source([0, run.text.length]) });
          continue;
        }
        const { words, closed } = split(run);
        for (const word of isOpen ? words.slice(0, closed) : words) {
          if (word.text === '') continue;
          for (const { id: token, start, end } of parts(word.text)) {
            pieces.push({ id: token, span: word.source([start, end]) });
          }
        }
      }
    }
    return pieces;
  };
  const canCut =
    isLocal(json['normalizer']) &&
    !added.some(({ content }) => liesAcross(content) || liesAcross(normalizeText(content)));
  const begin = (text: string, count: number): Piece[] | undefined => {
    const most = canCut ? text.length / 2 : 0;
    for (let length = 8 * count + 256; length < most; length *= 4) {
      const end = cutPlace(text, length, 2 * length);
      const pieces = end < 0 ? [] : tokens(text.slice(0, end), true);
      if (pieces.length >= count) return pieces;
    }
    return undefined;
  };
  const encode = (text: string): Piece[] => tokens(text, false);
  return { encode, begin, normalize: normalizeText };
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
  /** By their first UTF-16 unit, the lengths that tokens have, the greatest first. */
  const lengths = new Map<string, number[]>();
  for (const content of [...known.keys()].toSorted((a, b) => b.length - a.length)) {
    const own = lengths.get(content.charAt(0)) ?? [];
    if (own.at(-1) !== content.length) own.push(content.length);
    lengths.set(content.charAt(0), own);
  }
  const tokenAt = (text: string, at: number): string | undefined => {
    for (const length of lengths.get(text.charAt(at)) ?? []) {
      const content = text.slice(at, at + length);
      if (known.has(content)) return content;
    }
    return undefined;
  };

  return (text) => {
    const sections: Section[] = [];
    let at = 0;
    const add = (end: number, id?: number): void => {
      if (end > at) sections.push([text.slice(at, end), id]);
      at = Math.max(at, end);
    };
    if (known.size === 0) return text.text === '' ? [] : [[text, undefined]];
    for (let index = 0, next: number; index < text.text.length; index = next) {
      const content = tokenAt(text.text, index);
      next = index + (content?.length ?? 1);
      const token = known.get(content ?? '');
      if (content === undefined || token === undefined || index < at) continue;
      let start = index;
      let end = index + content.length;
      const whole = text.text;
      const joined =
        wordEnd.test(whole.slice(Math.max(start - 2, 0), start)) ||
        wordStart.test(whole.slice(end, end + 2));
      if (token.single_word && joined) continue;
      if (token.lstrip) start = beforeSpaces(whole, at, start);
      if (token.rstrip) end = afterSpaces(whole, end);
      add(start);
      add(end, token.id);
    }
    add(text.text.length);
    return sections;
  };
}
