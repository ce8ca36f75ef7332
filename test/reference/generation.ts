// The generation loops of Hugging Face in plain lists and float64: greedy search, sampling by the noise
// of the library, beam search. Options have their names there; -∞ stands for what cannot come.

import { gumbel } from './choose-token.ts';
import {
  logitsProcessors,
  logSoftmax,
  type Options,
  type RowInput,
  warpScores,
} from './logits-processors.ts';

export interface Task {
  /** Left padded to one length. */
  readonly prompts: readonly (readonly number[])[];
  /** Tokens of padding in front of each prompt. */
  readonly padding: readonly number[];
  /** What the encoder read; the prompts of decoders without one. */
  readonly sources: readonly (readonly number[])[];
  /** Logits of the token behind these, for an input. */
  readonly logits: (tokens: readonly number[], input: number) => number[];
  readonly criteria?: (sequences: number[][]) => boolean[];
}

/** What processors know of an input. */
const rowOf = (task: Task, input: number): RowInput => ({
  prompt: task.prompts[input]!.length,
  padding: task.padding[input]!,
  source: task.sources[input]!,
});

/** The places of the largest scores, best first; of equals the first. */
function best(scores: readonly number[], count: number): number[] {
  return scores
    .map((_, i) => i)
    .toSorted((a, b) => (Object.is(scores[a], scores[b]) ? a - b : scores[b]! - scores[a]!))
    .slice(0, count);
}

const noisy = (scores: readonly number[], seed: number, step: number, row: number): number[] =>
  scores.map((score, token) =>
    score === -Infinity ? score : score + gumbel(seed, step, row, token),
  );

/** How narrowly choices were made: the least gap between what was chosen and what was not. */
export interface Margin {
  least: number;
}

export function sample(task: Task, options: Options, margin: Margin): number[][] {
  const { num_return_sequences: copies = 1, do_sample: draws = false } = options;
  const { eos_token_id: ends = [], pad_token_id: pad = ends[0] ?? 0, seed = 0 } = options;
  const rows = task.prompts.flatMap((row) => Array.from({ length: copies }, () => [...row]));
  const ended = rows.map(() => false);
  while (rows[0]!.length < options.max_length && !ended.every(Boolean)) {
    const step = rows[0]!.length - 1;
    rows.forEach((row, i) => {
      const input = Math.floor(i / copies);
      const raw = task.logits(row, input);
      let scores = logitsProcessors(raw, row, rowOf(task, input), options);
      if (draws) scores = noisy(warpScores(scores, options), seed, step, i);
      const [first, second] = best(scores, 2);
      const gap = scores[first!]! - scores[second!]!;
      // Of equals, such as two that are forced, the first is chosen.
      if (!ended[i] && gap > 0) margin.least = Math.min(margin.least, gap);
      row.push(ended[i] ? pad : first!);
    });
    const stops = task.criteria?.(rows) ?? rows.map(() => false);
    rows.forEach((row, i) => (ended[i] ||= ends.includes(row.at(-1)!) || stops[i]!));
  }
  return rows;
}

interface Beam {
  readonly tokens: readonly number[];
  readonly score: number;
}

/** The score of a beam that is none yet, or no longer, and of a place without a hypothesis. */
const unlikely = -1e9;

interface Item {
  beams: Beam[];
  /** The best that have ended, best first; `isEnd` tells them from what fills the places. */
  found: (Beam & { readonly isEnd: boolean })[];
  canImprove: boolean;
}

/** Hugging Face's `_beam_search`: items side by side, each with as many beams and hypotheses. */
export function searchBeams(
  task: Task,
  options: Options,
  margin: Margin,
): { sequences: number[][]; scores: number[] } {
  const { num_beams: beams = 1, num_return_sequences: kept = 1, do_sample: draws } = options;
  const { eos_token_id: ends = [], pad_token_id: pad = ends[0] ?? 0 } = options;
  const { length_penalty: penalty = 1, early_stopping: early = false, seed = 0 } = options;
  const prompt = task.prompts[0]!.length;
  const items = task.prompts.map((tokens): Item => ({
    beams: Array.from({ length: beams }, (_, i) => ({ tokens, score: i === 0 ? 0 : unlikely })),
    found: Array.from({ length: beams }, () => ({ tokens, score: unlikely, isEnd: false })),
    canImprove: true,
  }));
  const count = Math.max(2, 1 + ends.length) * beams;

  /** The best continuations of an item, best first. */
  const continued = (item: Item, input: number, length: number): Beam[] => {
    const lists = item.beams.map(({ tokens, score }, beam) => {
      let scores = logSoftmax(task.logits(tokens, input));
      scores = logitsProcessors(scores, tokens, rowOf(task, input), options);
      if (draws === true) scores = warpScores(scores, options);
      if (options.renormalize_logits === true) scores = logSoftmax(scores);
      scores = scores.map((own) => own + score);
      const row = input * beams + beam;
      return { scores, ranks: draws === true ? noisy(scores, seed, length - 1, row) : scores };
    });
    const scores = lists.flatMap((list) => list.scores);
    const ranks = lists.flatMap((list) => list.ranks);
    const vocabulary = scores.length / beams;
    const order = best(ranks, count + 1);
    order.slice(1).forEach((at, i) => {
      const gap = ranks[order[i]!]! - ranks[at]!;
      // Only what could become a beam matters.
      if (gap > 0 && ranks[at]! > unlikely / 10) margin.least = Math.min(margin.least, gap);
    });
    return order
      .slice(0, count)
      .toSorted((a, b) => scores[b]! - scores[a]!)
      .map((at) => ({
        tokens: [...item.beams[Math.floor(at / vocabulary)]!.tokens, at % vocabulary],
        score: scores[at]!,
      }));
  };

  for (let length = prompt + 1; length <= options.max_length; length++) {
    // What cannot improve any more may as well stand still.
    const all = items.map((item, input) =>
      item.canImprove ? continued(item, input, length - 1) : [],
    );
    const criteria = all.map((list) => task.criteria?.(list.map(({ tokens }) => [...tokens])));
    const hits = all.map((list, input) =>
      list.map(
        ({ tokens }, i) =>
          length === options.max_length ||
          ends.includes(tokens.at(-1)!) ||
          criteria[input]?.[i] === true,
      ),
    );
    for (const [input, item] of items.entries()) {
      if (!item.canImprove) continue;
      const list = all[input]!.map((beam, i) => ({ ...beam, isEnd: hits[input]![i]! }));
      item.beams = list
        .map((beam) => ({ ...beam, score: beam.score + (beam.isEnd ? unlikely : 0) }))
        .toSorted((a, b) => b.score - a.score)
        .slice(0, beams);
      const isClosed = early === true && item.found.every(({ isEnd }) => isEnd);
      if (!isClosed) {
        const ended = list.slice(0, beams).filter(({ isEnd }) => isEnd);
        const added = ended.map((one) => ({
          ...one,
          score: one.score / (length - prompt) ** penalty,
        }));
        item.found = [...item.found, ...added]
          .toSorted((a, b) => b.score - a.score)
          .slice(0, beams);
      }
      const reach = early === 'never' && penalty > 0 ? options.max_length : length;
      const worst = item.found.at(-1)!;
      const least = worst.isEnd ? worst.score : unlikely;
      item.canImprove = item.beams[0]!.score / (reach - prompt) ** penalty > least;
    }
    const isFull = items.every(({ found }) => found.every(({ isEnd }) => isEnd));
    if (!items.some(({ canImprove }) => canImprove) || (early === true && isFull)) break;
    if (hits.flat().every(Boolean)) break;
  }
  const results = items.flatMap(({ found }) => found.slice(0, kept));
  const longest = Math.max(...results.map(({ tokens }) => tokens.length));
  // A padding token 0 counts as none.
  const fill = pad === 0 ? (ends[0] ?? pad) : pad;
  const sequences = results.map(({ tokens }) => [
    ...tokens,
    ...Array<number>(longest - tokens.length).fill(fill),
  ]);
  return { sequences, scores: results.map(({ score }) => score) };
}
