// From the scores of tokens to entities: tokens to words, words to groups of one label.

import { greatest } from '../scores.ts';

/** How tokens are joined to entities; see `TokenClassificationOptions`. */
export type AggregationStrategy = 'none' | 'simple' | 'first' | 'average' | 'max';

/** A token that stands for text, with the scores of its labels. */
export interface ScoredToken {
  readonly id: number;
  /** As in the vocabulary; the text itself for an unknown token. */
  readonly word: string;
  readonly isUnknown: boolean;
  readonly scores: readonly number[];
  readonly start: number;
  readonly end: number;
  /** Place in the sequence, special tokens counted. */
  readonly index: number;
  /** Continues the word of the token before. */
  readonly isSubword: boolean;
}

/** Tokens that share one label. */
export interface TokenSpan {
  readonly label: number;
  readonly score: number;
  readonly tokens: readonly ScoredToken[];
}

/** The label of each token (`none`, `simple`) or of each word, as the strategy decides. */
export function labelTokens(
  tokens: readonly ScoredToken[],
  strategy: AggregationStrategy,
): TokenSpan[] {
  if (strategy === 'none' || strategy === 'simple') {
    return tokens.map((token) => labelled([token], token.scores));
  }
  const words: ScoredToken[][] = [];
  for (const token of tokens) {
    const word = words.at(-1);
    if (word !== undefined && token.isSubword) word.push(token);
    else words.push([token]);
  }
  return words.map((word) => labelled(word, wordScores(word, strategy)));
}

function wordScores(
  word: readonly ScoredToken[],
  strategy: 'first' | 'average' | 'max',
): readonly number[] {
  const all = word.map(({ scores }) => scores);
  const [first = []] = all;
  if (strategy === 'first') return first;
  if (strategy === 'average') {
    return first.map((_, i) => all.reduce((sum, scores) => sum + (scores[i] ?? 0), 0) / all.length);
  }
  const [surest = 0] = greatest(
    all.map((scores) => scores.reduce((most, score) => Math.max(most, score), -Infinity)),
    1,
  );
  return all[surest] ?? first;
}

function labelled(tokens: readonly ScoredToken[], scores: readonly number[]): TokenSpan {
  const [label = 0] = greatest(scores, 1);
  return { label, score: scores[label] ?? 0, tokens };
}

/** Joins neighbours of one kind; a label that starts with `B-` begins a new group. */
export function groupSpans(
  spans: readonly TokenSpan[],
  nameOf: (label: number) => string,
): TokenSpan[] {
  const groups: TokenSpan[][] = [];
  for (const span of spans) {
    const name = nameOf(span.label);
    const group = groups.at(-1);
    const last = group?.at(-1);
    const continues =
      last !== undefined && !name.startsWith('B-') && kindOf(nameOf(last.label)) === kindOf(name);
    if (continues) group?.push(span);
    else groups.push([span]);
  }
  return groups.map((group) => ({
    label: group[0]?.label ?? 0,
    score: group.reduce((sum, { score }) => sum + score, 0) / group.length,
    tokens: group.flatMap(({ tokens }) => tokens),
  }));
}

/** A label without its `B-` or `I-`. */
function kindOf(name: string): string {
  return name.replace(/^[BI]-/, '');
}

/** Of entities that overlap, as the windows of a long text give them, the longest or surest. */
export function dropOverlaps<Found extends { start: number; end: number; score: number }>(
  entities: readonly Found[],
): Found[] {
  const kept: Found[] = [];
  for (const entity of entities.toSorted((a, b) => a.start - b.start)) {
    const last = kept.at(-1);
    if (last === undefined || entity.start >= last.end) {
      kept.push(entity);
      continue;
    }
    const longer = entity.end - entity.start - (last.end - last.start);
    if (longer > 0 || (longer === 0 && entity.score > last.score)) kept[kept.length - 1] = entity;
  }
  return kept;
}
