// The models of tokenizer.json: how a word is cut into the tokens of a vocabulary. Words may be as
// long as a text, so none of it may cost more than the length of the word.

import { BPE, type Model, Unigram, WordPiece } from '@huggingface/tokenizers';
import { type JsonObject, show } from '../source/json.ts';
import { bytePairs } from './byte-pairs.ts';

/** A token within a word. */
export interface Part {
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

/** How the model cuts a word into tokens. */
export function compileModel(model: Model, json: JsonObject): (word: string) => Part[] {
  const ids = model.tokens_to_ids;
  const { config } = model;
  const unknownToken = model.unk_token ?? ('unk_token' in config ? config.unk_token : undefined);
  const unknown = ids.get(unknownToken ?? '') ?? model.unk_token_id;
  if (unknown !== undefined && !(Number.isSafeInteger(unknown) && unknown >= 0)) {
    throw new TypeError(`its unknown token has the id ${show(unknown)}`);
  }
  const unknownPart = (start: number, end: number): Part[] =>
    unknown === undefined ? [] : [{ id: unknown, start, end }];

  if (model instanceof WordPiece) {
    const parts = wordPieces(model, ids);
    return (word) => parts(word) ?? unknownPart(0, word.length);
  }
  if (model instanceof Unigram) {
    const spelled = json['byte_fallback'] === true;
    return (word) => {
      const parts = fuse(placed(likeliest(model, word), ids, unknownPart), unknown);
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
    const suffix = json['end_of_word_suffix'];
    const cut = bytePairs(json['merges'], typeof suffix === 'string' ? suffix : '');
    return (word) => {
      if (model.ignore_merges && ids.has(word)) return placed([word], ids, unknownPart);
      const pieces = placed(cut(word), ids, (start, end, token) => {
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

/** Longer words are tokens by themselves: that of what is unknown. BERT says 100. */
const longestWord = 10_000;

/**
 * WordPiece (Wu et al. 2016): the longest token that begins the word, then the longest that goes on.
 * Undefined for words that are too long or have a part that no token begins.
 */
function wordPieces(
  { config }: WordPiece,
  ids: ReadonlyMap<string, number>,
): (word: string) => Part[] | undefined {
  const prefix = config.continuing_subword_prefix ?? '##';
  const { max_input_chars_per_word: most = 100 } = config;
  if (!(most <= longestWord)) {
    throw new TypeError(
      `its max_input_chars_per_word is ${show(most)}; wanted at most ${longestWord}`,
    );
  }
  const longest = lengthsOf(ids.keys());
  return (word) => {
    // A character is one UTF-16 unit or two.
    if (word.length > 2 * most || Array.from(word).length > most) return undefined;
    const parts: Part[] = [];
    for (let start = 0; start < word.length;) {
      const before = start === 0 ? '' : prefix;
      let found: Part | undefined;
      for (const length of longest) {
        const end = start + length - before.length;
        if (end <= start || end > word.length) continue;
        const id = ids.get(before + word.slice(start, end));
        if (id === undefined) continue;
        found = { id, start, end };
        break;
      }
      if (found === undefined) return undefined;
      parts.push(found);
      start = found.end;
    }
    return parts;
  };
}

/** The lengths that tokens have, the greatest first. */
function lengthsOf(tokens: Iterable<string>): number[] {
  const lengths = new Set<number>();
  for (const token of tokens) lengths.add(token.length);
  return [...lengths].toSorted((a, b) => b - a);
}

/**
 * Unigram (Kudo 2018): of all ways to cut a word that of the greatest sum of scores (Viterbi 1967), of
 * equal ones that whose last token is the longest.
 */
function likeliest(
  { trie, scores, tokens_to_ids: ids, unk_score: unknown }: Unigram,
  word: string,
): string[] {
  const characters = Array.from(word);
  /** Of each place: the best sum up to it, and the token that ends there. */
  const best = new Float64Array(characters.length + 1).fill(-Infinity);
  const tokens: string[] = [];
  const starts = new Int32Array(characters.length + 1).fill(-1);
  best[0] = 0;
  characters.forEach((character, start) => {
    const offer = (token: string, length: number, score: number): void => {
      const [end, sum] = [start + length, (best[start] ?? 0) + score];
      if ((starts[end] ?? -1) >= 0 && !(sum > (best[end] ?? 0))) return;
      best[end] = sum;
      tokens[end] = token;
      starts[end] = start;
    };
    let isKnown = false;
    for (const token of trie.common_prefix_search(characters, start)) {
      const length = Array.from(token).length;
      isKnown ||= length === 1;
      offer(token, length, scores[ids.get(token) ?? -1] ?? 0);
    }
    if (!isKnown) offer(character, 1, unknown);
  });
  const cut: string[] = [];
  for (let end = characters.length; end > 0; end = starts[end] ?? 0) cut.push(tokens[end] ?? '');
  return cut.toReversed();
}
