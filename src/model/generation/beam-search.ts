// What of beam search is not done on the GPU: asking a caller which continuations end, and the end, as
// in Hugging Face: the best hypotheses of each item.

import { unlikely } from '../../shaders/choice/beam.ts';
import type { Continuations, EndedBeams } from './beam-plan.ts';
import type { GenerationValues } from './generation-values.ts';

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

/**
 * Asks about the best continuations of each item that is not done, and marks those that end. `length`:
 * tokens of the beams so far. Result: whether all of them end.
 */
export function markEnds(
  { candidates, history, hypotheses }: Continuations,
  beams: number,
  length: number,
  ask: (sequences: number[][]) => readonly boolean[],
): boolean {
  const isDone = doneItems(hypotheses, beams);
  const rows = isDone.length * beams;
  const [own, pitch] = [candidates.length / rows, history.length / rows];
  const count = own / 4;
  const asked = isDone.flatMap((done, item) => {
    const places = Array.from(
      { length: done ? 0 : beams * count },
      (_, i) => item * beams * count + i,
    );
    const rank = (place: number): number => candidates[4 * place + 2] ?? 0;
    return places
      .filter((place) => (candidates[4 * place] ?? -1) >= 0)
      .toSorted((a, b) => rank(b) - rank(a))
      .slice(0, count);
  });
  const sequences = asked.map((place) => {
    const start = Math.floor(place / count) * pitch;
    return [...history.subarray(start, start + length), candidates[4 * place] ?? 0];
  });
  ask(sequences).forEach((ends, i) => {
    if (ends) candidates[4 * (asked[i] ?? 0) + 3] = 1;
  });
  return asked.every((place) => candidates[4 * place + 3] === 1);
}

/** The best sequences of each item, and their scores. `prompts`: the first tokens of each item. */
export function bestSequences(
  hypotheses: Float32Array,
  { ended, pitch }: EndedBeams,
  settings: GenerationValues,
  prompts: readonly (readonly number[])[],
): { sequences: number[][]; scores: number[] } {
  const { numBeams: beams, numReturnSequences, padTokenId, eosTokenId } = settings;
  const words = itemWords(beams);
  const best = prompts.flatMap((prompt, item) => {
    const state = hypotheses.subarray(item * words, (item + 1) * words);
    const found = Array.from({ length: beams }, (_, j) => {
      const [score = unlikely, length = 0, number = 0] = state.subarray(2 + 3 * j);
      const at = (item * beams + j) * pitch;
      if (number > 0) return { score, order: number, tokens: [...ended.subarray(at, at + length)] };
      // Without a hypothesis there is nothing behind the prompt.
      return { score, order: Infinity, tokens: prompt };
    });
    return found
      .toSorted((a, b) => b.score - a.score || a.order - b.order)
      .slice(0, numReturnSequences);
  });
  const longest = best.reduce((most, { tokens }) => Math.max(most, tokens.length), 0);
  // As in Hugging Face, a padding token 0 counts as none here.
  const fill = padTokenId === 0 ? (eosTokenId[0] ?? padTokenId) : padTokenId;
  const sequences = best.map(({ tokens }) => [
    ...tokens,
    ...Array<number>(longest - tokens.length).fill(fill),
  ]);
  return { sequences, scores: best.map(({ score }) => score) };
}
