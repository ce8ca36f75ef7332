// What beam search adds to a step of decoding: its state on the GPU, and what is played behind the logits.

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
import type { DecodeState } from './decoding.ts';
import type { Selection, SelectionTensors } from './token-selection.ts';

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
interface Beams extends BeamState {
  readonly place: Tensor;
  readonly rules: Tensor;
  /** (R, capacity) u32: see `DecodeState` */
  readonly rows: Tensor;
  readonly history: Tensor;
  /** (R, pitch) u32: the tokens of hypotheses */
  readonly ended: Tensor;
}

/** What follows once somebody was asked about the candidates. */
interface Rest {
  readonly plan: Plan;
  readonly candidates: Tensor;
}

export class BeamPlan {
  /** The step: all of it, or up to the candidates where somebody is asked about them. */
  readonly step: Plan;
  readonly #beams: Beams;
  /** From the candidates on, where somebody is asked. */
  readonly #rest: Rest | undefined;
  /** A list without dispatches, which brings the tokens of hypotheses back. */
  readonly #ending: Plan;

  private constructor(step: Plan, beams: Beams, ending: Plan, rest?: Rest) {
    this.step = step;
    this.#beams = beams;
    this.#ending = ending;
    this.#rest = rest;
  }

  /** Completes a recorded step. logits: log-probabilities (R, 1, V). Owns the recording when made. */
  static async create(
    logits: Tensor,
    state: DecodeState,
    { history, ...choice }: SelectionTensors & { history: Tensor },
    { beams: count, candidates: candidateCount, draws, asks }: Selection,
  ): Promise<BeamPlan> {
    const { recording } = logits;
    const rows = history.size(0);
    const beams: Beams = {
      score: recording.persistent('score', [rows]),
      tokens: state.tokens,
      hypotheses: recording.persistent('hypotheses', [rows / count, 2 + 3 * count]),
      place: state.place,
      rules: choice.rules,
      rows: state.rows,
      history,
      ended: recording.persistent('ended', history.shape, 'u32'),
    };
    const found = beamCandidates(logits, beams.score, choice, candidateCount, draws);
    const others: Recording[] = [];
    const other = (): Recording => {
      const one = new Recording(recording.gpu);
      others.push(one);
      return one;
    };
    try {
      const reading = other();
      const ending = await Plan.create(reading, [reading.use(beams.ended)]);
      if (!asks) {
        moveOn(found, beams);
        return new BeamPlan(await Plan.create(recording, [beams.hypotheses]), beams, ending);
      }
      const kept = recording.keep(found);
      const step = await Plan.create(recording, [found, history, beams.hypotheses]);
      const next = other();
      const candidates = next.use(kept);
      const shared = Object.fromEntries(
        Object.entries(beams).map(([name, tensor]: [string, Tensor]) => [name, next.use(tensor)]),
      ) as unknown as Beams;
      moveOn(candidates, shared);
      const plan = await Plan.create(next, [shared.hypotheses]);
      return new BeamPlan(step, beams, ending, { plan, candidates });
    } catch (error) {
      for (const one of others) one.dispose();
      throw error;
    }
  }

  /** Makes everything as it is before the first step. */
  start(): void {
    const { score, hypotheses } = this.#beams;
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
  }

  /** Plays one step. Result: the hypotheses, as bytes. */
  async play(ask?: AskEnds): Promise<ArrayBuffer> {
    const outputs = await this.step.play();
    const [first = new ArrayBuffer(0), history, hypotheses] = outputs;
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

  /** Frees what is besides the step. */
  dispose(): void {
    this.#rest?.plan.dispose();
    this.#ending.dispose();
  }
}

/** Makes beams and hypotheses of candidates, and has all that they carry follow. */
function moveOn(candidates: Tensor, beams: Beams): void {
  followMoves(beamStep(candidates, beams, beams), beams.tokens, beams);
}
