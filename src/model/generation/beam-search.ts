// Beam search: its state on the GPU, what a step plays behind the logits; and what is not done there:
// asking a caller which continuations end, and the best hypotheses of each item at the end.

import { Plan } from '../../runtime/plan.ts';
import { Recording } from '../../runtime/record.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import {
  beamCandidates,
  type BeamState,
  beamStep,
  followMoves,
  unlikely,
} from '../../shaders/choice/beam.ts';
import { assertHeld } from './kv-cache.ts';
import type { GenerationValues } from './read-options.ts';
import type { Selection, SelectionTensors } from './selection.ts';
import type { DecodeState } from './session.ts';

/** What a step has found, before beams and hypotheses are made of it. */
export interface Continuations {
  /** (R, count, 4): see `beamCandidates`. Whoever is asked marks those that end. */
  readonly candidates: Float32Array<ArrayBuffer>;
  /** (R, pitch): the tokens of the beams */
  readonly history: Uint32Array;
  /** See `BeamState`. */
  readonly hypotheses: Float32Array;
}

/** Says which continuations end, besides those with an end token. */
export type AskEnds = (found: Continuations) => void;

/** The tokens of hypotheses, `pitch` for each place of `BeamState`'s hypotheses. */
export interface EndedBeams {
  readonly ended: Uint32Array;
  readonly pitch: number;
}

/** What is on the GPU. R rows of beams, `pitch` tokens a row at most. */
interface BeamTensors extends BeamState {
  readonly place: Tensor;
  readonly rules: Tensor;
  /** (R, capacity) u32: see `DecodeState` */
  readonly table: Tensor;
  readonly history: Tensor;
  /** (R, pitch) u32: the tokens of hypotheses */
  readonly ended: Tensor;
}

/** What follows once somebody was asked about the candidates. */
interface Rest {
  readonly plan: Plan;
  readonly candidates: Tensor;
}

export class Beams {
  /** The step: all of it, or up to the candidates where somebody is asked about them. */
  readonly step: Plan;
  readonly #beams: BeamTensors;
  /** From the candidates on, where somebody is asked. */
  readonly #rest: Rest | undefined;
  /** A list without dispatches, which brings the tokens of hypotheses back. */
  readonly #ending: Plan;

  private constructor(step: Plan, beams: BeamTensors, ending: Plan, rest?: Rest) {
    this.step = step;
    this.#beams = beams;
    this.#ending = ending;
    this.#rest = rest;
  }

  /**
   * Completes a recorded step. logits: log-probabilities (R, 1, V); `spill`: of caches that may not hold all,
   * see `assertHeld`. Owns the recording when made.
   */
  static async create(
    logits: Tensor,
    state: DecodeState,
    { history, ...choice }: SelectionTensors & { history: Tensor },
    { beams: count, candidates: candidateCount, draws, asks }: Selection,
    spill: Tensor | undefined,
  ): Promise<Beams> {
    const { recording } = logits;
    const besides = spill === undefined ? [] : [spill];
    const rows = history.size(0);
    const beams: BeamTensors = {
      score: recording.persistent('score', [rows]),
      tokens: state.tokens,
      hypotheses: recording.persistent('hypotheses', [rows / count, 2 + 3 * count]),
      place: state.place,
      rules: choice.rules,
      norms: recording.persistent('norms', [rows / count, history.size(1)]),
      table: state.table,
      history,
      ended: recording.persistent('ended', history.shape, 'u32'),
    };
    const found = beamCandidates(logits, beams.score, choice, candidateCount, draws);
    // Lists beside the step end with it.
    const reading = new Recording(recording.scope);
    const ending = await Plan.create(reading, [reading.use(beams.ended)]);
    if (!asks) {
      moveOn(found, beams);
      return new Beams(await Plan.create(recording, [beams.hypotheses, ...besides]), beams, ending);
    }
    const kept = recording.keep(found);
    const step = await Plan.create(recording, [found, history, beams.hypotheses, ...besides]);
    const next = new Recording(recording.scope);
    const candidates = next.use(kept);
    const shared = Object.fromEntries(
      Object.entries(beams).map(([name, tensor]: [string, Tensor]) => [name, next.use(tensor)]),
    ) as unknown as BeamTensors;
    moveOn(candidates, shared);
    const plan = await Plan.create(next, [shared.hypotheses]);
    return new Beams(step, beams, ending, { plan, candidates });
  }

  /** Makes everything as it is before the first step. `norms`: of every item, see `BeamState`. */
  start(norms: readonly number[]): void {
    const { score, hypotheses, norms: powers } = this.#beams;
    const [items, words] = [hypotheses.size(0), hypotheses.size(1)];
    const beams = score.size(0) / items;
    // The beams of an item begin alike: only the first one counts.
    const scores = Float32Array.from({ length: items * beams }, (_, row) =>
      row % beams === 0 ? 0 : unlikely,
    );
    this.step.write(score, scores);
    const isScore = (word: number): boolean => word > 1 && word % 3 === 2;
    const none = Float32Array.from({ length: items * words }, (_, i) =>
      isScore(i % words) ? unlikely : 0,
    );
    this.step.write(hypotheses, none);
    const all = new Float32Array(items * powers.size(1));
    for (let item = 0; item < items; item++) all.set(norms, item * powers.size(1));
    this.step.write(powers, all);
  }

  /** Plays one step. Result: the hypotheses, as bytes. */
  async play(ask?: AskEnds): Promise<ArrayBuffer> {
    const outputs = await this.step.play();
    const [first = new ArrayBuffer(0), history, hypotheses] = outputs;
    const spill = outputs[this.#rest === undefined ? 1 : 3];
    assertHeld(spill === undefined || new Uint32Array(spill)[0] === 0);
    if (this.#rest === undefined) return first;
    const { plan, candidates } = this.#rest;
    const found = new Float32Array(first);
    ask?.({
      candidates: found,
      history: new Uint32Array(history ?? []),
      hypotheses: new Float32Array(hypotheses ?? []),
    });
    plan.write(candidates, found);
    const [bytes = new ArrayBuffer(0)] = await plan.play();
    return bytes;
  }

  /** Brings the tokens of hypotheses back as they are after all steps that were played. */
  async readEnded(): Promise<EndedBeams> {
    const [ended] = await this.#ending.play();
    return { ended: new Uint32Array(ended ?? []), pitch: this.#beams.ended.size(1) };
  }
}

/** Makes beams and hypotheses of candidates, and has all that they carry follow. */
function moveOn(candidates: Tensor, beams: BeamTensors): void {
  followMoves(beamStep(candidates, beams, beams), beams.tokens, beams);
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
