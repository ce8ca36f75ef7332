// One step of decoding made ready to replay: the model's part, the choice of tokens, and what moves on.

import type { Gpu } from '../runtime/gpu.ts';
import { Plan } from '../runtime/plan.ts';
import { Recording } from '../runtime/record.ts';
import type { Tensor } from '../runtime/tensor.ts';
import type { BeamState } from '../shaders/beam.ts';
import { ruleCount } from '../shaders/rules.ts';
import { appendTokens } from '../shaders/token-rules.ts';
import type { DecodePrompt, DecodeSession, DecodeState } from './decoding.ts';
import { padRows } from './inputs.ts';
import {
  chooseNext,
  process,
  readsHistory,
  type Selection,
  type SelectionData,
  type SelectionTensors,
} from './token-selection.ts';

/** What beam search keeps on the GPU. R rows of beams, `pitch` tokens a row at most. */
interface Beams extends BeamState {
  /** (R, pitch) u32: the tokens of hypotheses, without their end */
  readonly ended: Tensor;
}

/** Beams and hypotheses as they are: see `BeamState`. */
export interface BeamValues {
  readonly ended: Uint32Array;
  readonly score: Float32Array;
  readonly history: Uint32Array;
  readonly pitch: number;
}

export class DecodePlan {
  readonly #session: DecodeSession;
  readonly #step: Plan;
  readonly #state: DecodeState;
  readonly #selection: SelectionTensors;
  readonly #beams: Beams | undefined;
  /** A list without dispatches, which brings the beams back. */
  readonly #ending: Plan | undefined;

  private constructor(
    session: DecodeSession,
    step: Plan,
    state: DecodeState,
    selection: SelectionTensors,
    beams?: Beams,
    ending?: Plan,
  ) {
    this.#session = session;
    this.#step = step;
    this.#state = state;
    this.#selection = selection;
    this.#beams = beams;
    this.#ending = ending;
  }

  /** `sourceLength`: tokens of a source row at most, for selections that go by it. Owns the session. */
  static async create(
    gpu: Gpu,
    session: DecodeSession,
    selection: Selection,
    sourceLength: number,
  ): Promise<DecodePlan> {
    const recording = new Recording(gpu);
    const reading = new Recording(gpu);
    try {
      const { rows, batch, capacity, vocabulary } = session;
      const words = (label: string, ...shape: number[]): Tensor =>
        recording.persistent(label, shape, 'u32');
      const state: DecodeState = {
        tokens: words('tokens', rows, 1),
        place: words('place', rows, 1, 2),
        rows: words('rows', rows, capacity),
      };
      const { sequenceWords, bySource } = selection;
      // The last token is in no cache, but in the history.
      const history = readsHistory(selection) ? words('history', rows, capacity + 1) : undefined;
      const choice: SelectionTensors = {
        place: state.place,
        rules: words('rules', ruleCount + capacity + 2),
        flags: words('flags', vocabulary),
        history,
        ...(sequenceWords > 0 && { sequences: words('sequences', sequenceWords) }),
        ...(bySource && { source: words('source', batch, sourceLength) }),
      };
      const logits = session.recordStep(recording, state);
      process(logits, selection, choice);
      if (selection.beams === 1 || history === undefined) {
        chooseNext(logits, state.tokens, selection, choice);
        appendTokens(state.tokens, choice);
        const plan = await Plan.create(recording, [state.tokens]);
        return new DecodePlan(session, plan, state, choice);
      }
      const beams: Beams = {
        score: recording.persistent('score', [rows]),
        tokens: state.tokens,
        hypotheses: recording.persistent('hypotheses', [batch, 2 + 3 * selection.beams]),
        ended: words('ended', rows, capacity + 1),
      };
      const { beamCandidates, beamStep, followMoves } = await import('../shaders/beam.ts');
      const { candidates: count, draws } = selection;
      const candidates = beamCandidates(logits, beams.score, choice, count, draws);
      const moves = beamStep(candidates, beams, choice);
      followMoves(moves, state.tokens, { ...state, ...beams, history });
      const plan = await Plan.create(recording, [beams.hypotheses]);
      const kept = [beams.ended, beams.score, history].map((tensor) => reading.use(tensor));
      const ending = await Plan.create(reading, kept);
      return new DecodePlan(session, plan, state, choice, beams, ending);
    } catch (error) {
      recording.dispose();
      reading.dispose();
      session.dispose();
      throw error;
    }
  }

  /** Makes everything as it is before the first step. The prompt has as many rows as the session. */
  async start(prompt: DecodePrompt, data: SelectionData): Promise<void> {
    const { tokens, source = { ids: tokens } } = prompt;
    const { rules, flags, sequences, history, source: listed } = this.#selection;
    const step = this.#step;
    step.write(rules, padded(data.rules, rules.size(0)));
    step.write(flags, data.flags);
    if (sequences) step.write(sequences, data.sequences);
    if (history) step.write(history, padRows(tokens, history.size(1)));
    if (listed) {
      // Rows of a prompt stand in groups that share an input.
      const { rows } = source.ids;
      const group = rows.length / listed.size(0);
      const inputs = rows.filter((_, row) => row % group === 0);
      step.write(listed, padRows({ ...source.ids, rows: inputs }, listed.size(1)));
    }
    if (this.#beams) {
      const { score, hypotheses } = this.#beams;
      const [items, words] = [hypotheses.size(0), hypotheses.size(1)];
      const beams = score.size(0) / items;
      // The beams of an item begin alike: only the first one counts.
      const scores = Float32Array.from(tokens.rows, (_, row) => (row % beams === 0 ? 0 : -1e9));
      step.write(score, scores);
      step.write(hypotheses, new Float32Array(items * words));
    }
    await this.#session.start(prompt, this.#state, step);
  }

  /**
   * Plays the step behind which a row has `length` tokens in the caches. Result: the chosen tokens,
   * (R, 1) u32; of beams, the hypotheses.
   */
  async play(length: number): Promise<ArrayBuffer> {
    this.#session.beforeStep?.(length);
    const [bytes = new ArrayBuffer(0)] = await this.#step.play();
    return bytes;
  }

  /** Brings the beams back as they are after all steps that were played. */
  async readBeams(): Promise<BeamValues> {
    const [ended, score, history] = (await this.#ending?.play()) ?? [];
    return {
      ended: new Uint32Array(ended ?? []),
      score: new Float32Array(score ?? []),
      history: new Uint32Array(history ?? []),
      pitch: this.#selection.history?.size(1) ?? 0,
    };
  }

  /** Says which tokens the rows have now, the last of which was not fed. */
  finish(sequences: readonly (readonly number[])[]): void {
    this.#session.finish?.(sequences);
  }

  dispose(): void {
    this.#step.dispose();
    this.#ending?.dispose();
    this.#session.dispose();
  }
}

function padded(words: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const all = new Uint32Array(length);
  all.set(words);
  return all;
}
