// The generation loops of Hugging Face in plain lists and float64: greedy search, sampling by the noise
// of the library, beam search. Options have their names there; -∞ stands for what cannot come.

import { gumbel } from './choose-token.ts';
import { logitsProcessors, logSoftmax, type Options, warpScores } from './logits-processors.ts';

export interface Task {
  /** Left padded to one length. */
  readonly prompts: readonly (readonly number[])[];
  /** What the encoder read; the prompts of decoders without one. */
  readonly sources: readonly (readonly number[])[];
  /** Logits of the token behind these, for an input. */
  readonly logits: (tokens: readonly number[], input: number) => number[];
  readonly criteria?: (sequences: number[][]) => boolean[];
}

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
  const prompt = task.prompts[0]!.length;
  const rows = task.prompts.flatMap((row) => Array.from({ length: copies }, () => [...row]));
  const ended = rows.map(() => false);
  while (rows[0]!.length < options.max_length && !ended.every(Boolean)) {
    const step = rows[0]!.length - 1;
    rows.forEach((row, i) => {
      const input = Math.floor(i / copies);
      const raw = task.logits(row, input);
      let scores = logitsProcessors(raw, row, prompt, task.sources[input]!, options);
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

/** BeamHypotheses: the best of those that were added. */
class Hypotheses {
  beams: Beam[] = [];
  isDone = false;
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  get worst(): number {
    return this.beams.length === 0 ? 1e9 : Math.min(...this.beams.map(({ score }) => score));
  }

  get isFull(): boolean {
    return this.beams.length >= this.#size;
  }

  add(tokens: readonly number[], score: number): void {
    if (this.isFull && score <= this.worst) return;
    this.beams.push({ tokens, score });
    if (this.beams.length <= this.#size) return;
    const { worst } = this;
    this.beams.splice(
      this.beams.findIndex(({ score: own }) => own === worst),
      1,
    );
  }
}

export function searchBeams(
  task: Task,
  options: Options,
  margin: Margin,
): { sequences: number[][]; scores: number[] } {
  const { num_beams: beams = 1, num_return_sequences: kept = 1, do_sample: draws } = options;
  const { eos_token_id: ends = [], pad_token_id: pad = ends[0] ?? 0 } = options;
  const { length_penalty: penalty = 1, early_stopping: early = false, seed = 0 } = options;
  const prompt = task.prompts[0]!.length;
  const items = task.prompts.map((tokens) => ({
    beams: Array.from({ length: beams }, (_, i): Beam => ({ tokens, score: i === 0 ? 0 : -1e9 })),
    found: new Hypotheses(beams),
  }));
  let length = prompt;
  while (length < options.max_length) {
    for (const [input, item] of items.entries()) {
      if (item.found.isDone) {
        item.beams = item.beams.map(({ tokens }) => ({ tokens: [...tokens, pad], score: 0 }));
        continue;
      }
      const lists = item.beams.map(({ tokens, score }, beam) => {
        let scores = logSoftmax(task.logits(tokens, input));
        scores = logitsProcessors(scores, tokens, prompt, task.sources[input]!, options);
        if (draws === true) scores = warpScores(scores, options);
        if (options.renormalize_logits === true) scores = logSoftmax(scores);
        scores = scores.map((own) => own + score);
        const row = input * beams + beam;
        return { scores, ranks: draws === true ? noisy(scores, seed, length - 1, row) : scores };
      });
      const scores = lists.flatMap((list) => list.scores);
      const ranks = lists.flatMap((list) => list.ranks);
      const vocabulary = scores.length / beams;
      const count = Math.max(2, 1 + ends.length) * beams;
      const order = best(ranks, count + 1);
      const chosen = order.slice(0, count);
      order.slice(1).forEach((at, i) => {
        const gap = ranks[order[i]!]! - ranks[at]!;
        // Only what could become a beam matters, and -1e9 stands for beams that are none yet.
        if (gap > 0 && ranks[at]! > -1e8) margin.least = Math.min(margin.least, gap);
      });
      chosen.sort((a, b) => scores[b]! - scores[a]!);
      const next: Beam[] = [];
      for (const [rank, at] of chosen.entries()) {
        if (next.length === beams) break;
        const { tokens } = item.beams[Math.floor(at / vocabulary)]!;
        const token = at % vocabulary;
        const score = scores[at]!;
        if (!ends.includes(token)) next.push({ tokens: [...tokens, token], score });
        else if (rank < beams) item.found.add(tokens, score / (length + 1 - prompt) ** penalty);
      }
      item.beams = next;
      const top = scores[chosen[0]!]!;
      const reach = early === 'never' && penalty > 0 ? options.max_length : length + 1;
      item.found.isDone =
        item.found.isFull &&
        (early === true || item.found.worst >= top / (reach - prompt) ** penalty);
    }
    length++;
    if (items.every(({ found }) => found.isDone)) break;
    const rows = items.flatMap((item) => item.beams.map(({ tokens }) => [...tokens]));
    if (task.criteria?.(rows).every(Boolean) === true) break;
  }
  const results = items.flatMap(({ beams: open, found }) => {
    if (!found.isDone) {
      for (const { tokens, score } of open) found.add(tokens, score / (length - prompt) ** penalty);
    }
    return found.beams
      .toReversed()
      .toSorted((a, b) => b.score - a.score)
      .slice(0, kept);
  });
  const longest = Math.min(
    options.max_length,
    1 + Math.max(...results.map(({ tokens }) => tokens.length)),
  );
  const sequences = results.map(({ tokens }) => {
    const row = [...tokens];
    if (row.length < longest && ends.length > 0) row.push(ends[0]!);
    while (row.length < longest) row.push(pad);
    return row;
  });
  return { sequences, scores: results.map(({ score }) => score) };
}
