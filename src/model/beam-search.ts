// The end of a beam search: the best hypotheses of each item, as Hugging Face's BeamSearchScorer
// finalizes them.

import type { BeamValues } from './decode-plan.ts';
import type { GenerationValues } from './generation-values.ts';

interface Hypothesis {
  readonly score: number;
  readonly tokens: readonly number[];
  /** Later ones are better than equals. */
  readonly order: number;
}

/** Words of an item in `hypotheses`: is done, how many there were; score, length, number of each. */
function itemWords(beams: number): number {
  return 2 + 3 * beams;
}

/** Whether each item is done. hypotheses: see `BeamState`. */
export function doneItems(hypotheses: Float32Array, beams: number): boolean[] {
  const words = itemWords(beams);
  return Array.from(
    { length: hypotheses.length / words },
    (_, item) => hypotheses[item * words] === 1,
  );
}

/** The histories of all beams, `length` tokens each. */
export function beamTokens({ history, pitch }: BeamValues, length: number): number[][] {
  return Array.from({ length: history.length / pitch }, (_, row) => [
    ...history.subarray(row * pitch, row * pitch + length),
  ]);
}

/** The best sequences of each item, and their scores. `length`: tokens of the beams. */
export function bestSequences(
  hypotheses: Float32Array,
  values: BeamValues,
  settings: GenerationValues,
  { prompt, length }: { prompt: number; length: number },
): { sequences: number[][]; scores: number[] } {
  const { numBeams: beams, numReturnSequences, lengthPenalty, maxLength, padTokenId } = settings;
  const { ended, score, pitch } = values;
  const words = itemWords(beams);
  const open = beamTokens(values, length);
  const best = doneItems(hypotheses, beams).flatMap((isDone, item) => {
    const first = item * beams;
    const state = hypotheses.subarray(item * words, (item + 1) * words);
    const there = state[1] ?? 0;
    const found = Array.from({ length: Math.min(there, beams) }, (_, j): Hypothesis => {
      const [own = 0, size = 0, order = 0] = state.subarray(2 + 3 * j);
      const at = (first + j) * pitch;
      return { score: own, tokens: [...ended.subarray(at, at + size)], order };
    });
    // What is not done goes on as it stands, if it is better than the worst there is.
    const unfinished = isDone ? 0 : beams;
    for (let j = 0; j < unfinished; j++) {
      const own = (score[first + j] ?? 0) / (length - prompt) ** lengthPenalty;
      const worst = found.toSorted(byScore).at(-1);
      if (worst !== undefined && found.length >= beams) {
        if (own <= worst.score) continue;
        found.splice(found.indexOf(worst), 1);
      }
      found.push({ score: own, tokens: open[first + j] ?? [], order: there + j });
    }
    return found.toSorted(byScore).slice(0, numReturnSequences);
  });
  const [end] = settings.eosTokenId;
  const longest = Math.min(maxLength, 1 + Math.max(...best.map(({ tokens }) => tokens.length)));
  const sequences = best.map(({ tokens }) => {
    const row = [...tokens];
    if (row.length < longest && end !== undefined) row.push(end);
    while (row.length < longest) row.push(padTokenId);
    return row;
  });
  return { sequences, scores: best.map((one) => one.score) };
}

function byScore(a: Hypothesis, b: Hypothesis): number {
  return b.score - a.score || b.order - a.order;
}
