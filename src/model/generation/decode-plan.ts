// One step of decoding made ready to replay: the model's part, the choice of tokens, and what moves on.

import type { Gpu } from '../../runtime/gpu.ts';
import { Plan } from '../../runtime/plan.ts';
import { Recording } from '../../runtime/record.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { ruleCount } from '../../shaders/choice/rules.ts';
import { appendTokens } from '../../shaders/choice/token-rules.ts';
import type { AskEnds, BeamPlan, EndedBeams } from './beam-plan.ts';
import type { DecodePrompt, DecodeSession, DecodeState } from './decoding.ts';
import { padRows } from '../inputs/inputs.ts';
import {
  chooseNext,
  process,
  readsHistory,
  type Selection,
  type SelectionData,
  type SelectionTensors,
} from './token-selection.ts';

export class DecodePlan {
  readonly #session: DecodeSession;
  readonly #step: Plan;
  readonly #state: DecodeState;
  readonly #selection: SelectionTensors;
  readonly #beams: BeamPlan | undefined;

  private constructor(
    session: DecodeSession,
    step: Plan,
    state: DecodeState,
    selection: SelectionTensors,
    beams?: BeamPlan,
  ) {
    this.#session = session;
    this.#step = step;
    this.#state = state;
    this.#selection = selection;
    this.#beams = beams;
  }

  /** `sourceLength`: tokens of a source row at most, for selections that go by it. Owns the session. */
  static async create(
    gpu: Gpu,
    session: DecodeSession,
    selection: Selection,
    sourceLength: number,
  ): Promise<DecodePlan> {
    const recording = new Recording(gpu);
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
        ...(selection.byHistory && { starts: words('starts', rows) }),
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
      const { BeamPlan: Beams } = await import('./beam-plan.ts');
      const beams = await Beams.create(logits, state, { ...choice, history }, selection);
      return new DecodePlan(session, beams.step, state, choice, beams);
    } catch (error) {
      recording.dispose();
      session.dispose();
      throw error;
    }
  }

  /** Makes everything as it is before the first step. The prompt has as many rows as the session. */
  async start(prompt: DecodePrompt, data: SelectionData): Promise<void> {
    const { tokens, source = { ids: tokens } } = prompt;
    const { rules, flags, sequences, starts, history, source: listed } = this.#selection;
    const step = this.#step;
    step.write(rules, padded(data.rules, rules.size(0)));
    step.write(flags, data.flags);
    if (sequences) step.write(sequences, data.sequences);
    if (starts) step.write(starts, Uint32Array.from(prompt.mask.rows, paddingInFront));
    if (history) step.write(history, padRows(tokens, history.size(1)));
    if (listed) {
      // Rows of a prompt stand in groups that share an input.
      const { rows } = source.ids;
      const group = rows.length / listed.size(0);
      const inputs = rows.filter((_, row) => row % group === 0);
      step.write(listed, padRows({ ...source.ids, rows: inputs }, listed.size(1)));
    }
    this.#beams?.start();
    await this.#session.start(prompt, this.#state, step);
  }

  /**
   * Plays the step behind which a row has `length` tokens in the caches. Result: the chosen tokens,
   * (R, 1) u32; of beams, the hypotheses. `ask` is asked by selections that ask.
   */
  async play(length: number, ask?: AskEnds): Promise<ArrayBuffer> {
    this.#session.beforeStep?.(length);
    if (this.#beams !== undefined) return this.#beams.play(ask);
    const [bytes = new ArrayBuffer(0)] = await this.#step.play();
    return bytes;
  }

  /** The tokens of hypotheses as they are after all steps that were played. */
  async readEnded(): Promise<EndedBeams> {
    return (await this.#beams?.readEnded()) ?? { ended: new Uint32Array(), pitch: 0 };
  }

  /** Says which tokens the rows have now, the last of which was not fed. */
  finish(sequences: readonly (readonly number[])[]): void {
    this.#session.finish?.(sequences);
  }

  dispose(): void {
    this.#step.dispose();
    this.#beams?.dispose();
    this.#session.dispose();
  }
}

/** Tokens of padding before the first that counts. */
function paddingInFront(mask: readonly number[]): number {
  return Math.max(
    0,
    mask.findIndex((flag) => flag !== 0),
  );
}

function padded(words: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const all = new Uint32Array(length);
  all.set(words);
  return all;
}
