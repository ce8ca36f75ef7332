// One step of decoding made ready to replay: the model's part, the choice of tokens, and what moves on.

import { Plan } from '../../runtime/plan.ts';
import { Recording } from '../../runtime/record.ts';
import type { Scope } from '../../runtime/scope.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { packRules, ruleCount } from '../../shaders/choice/rules.ts';
import { appendTokens, lostToken } from '../../shaders/choice/token-rules.ts';
import type { AskEnds, Beams, EndedBeams } from './beam-search.ts';
import type { Likelihood, Weigher } from './likelihoods.ts';
import { assertHeld } from './kv-cache.ts';
import { stepsAtOnce } from './pace.ts';
import { type Beginning, paddingOf, type Tokens } from './prompt.ts';
import {
  chooseNext,
  process,
  readsHistory,
  type Selection,
  type SelectionData,
  type SelectionTensors,
} from './selection.ts';
import type { DecodeSession, DecodeState } from './session.ts';

/** Neighbouring sequences, and what the choice of their tokens goes by. */
export interface Chosen {
  readonly rows: number;
  readonly data: SelectionData;
}

/** What a step brings back. */
export interface StepResult {
  /** The token of each row; of beams, the bytes of their hypotheses. */
  readonly words: Uint32Array<ArrayBuffer>;
  /** The log-probability of each token, where these are wanted. */
  readonly logProbs?: Float32Array;
  /** How likely the model itself held them, where that is wanted. */
  readonly likelihoods?: readonly Likelihood[];
}

export class DecodeStep {
  readonly #session: DecodeSession;
  readonly #step: Plan;
  readonly #state: DecodeState;
  readonly #tensors: SelectionTensors;
  readonly #beams: Beams | undefined;
  readonly #weigher: Weigher | undefined;
  #prompts: readonly Tokens[] = [];
  /** Tokens of each sequence at the start, and of the longest. */
  #lengths: readonly number[] = [];
  #longest = 0;

  private constructor(
    session: DecodeSession,
    step: Plan,
    state: DecodeState,
    tensors: SelectionTensors,
    { beams, weigher }: { readonly beams?: Beams; readonly weigher?: Weigher | undefined } = {},
  ) {
    this.#session = session;
    this.#step = step;
    this.#state = state;
    this.#tensors = tensors;
    this.#beams = beams;
    this.#weigher = weigher;
  }

  /** `sourceLength`: tokens of a source at most, for selections that go by it. Owns the session. */
  static async create(
    scope: Scope,
    session: DecodeSession,
    selection: Selection,
    sourceLength: number,
  ): Promise<DecodeStep> {
    const recording = new Recording(scope);
    try {
      const { shape, vocabulary } = session;
      const { rows, capacity } = shape;
      const words = (label: string, ...sizes: number[]): Tensor =>
        recording.persistent(label, sizes, 'u32');
      const state: DecodeState = {
        tokens: words('tokens', rows, 1),
        place: words('place', rows, 1, 2),
        table: words('table', rows, capacity),
      };
      const { sets, sequenceWords, bySource } = selection;
      // The last token is in no cache, but in the history.
      const isKept = readsHistory(selection) || (session.steadyLength ?? Infinity) < Infinity;
      const history = isKept ? words('history', rows, capacity + 1) : undefined;
      const tensors: SelectionTensors = {
        place: state.place,
        rules: words('rules', rows, ruleCount),
        flags: words('flags', sets, vocabulary),
        history,
        ...(sequenceWords > 0 && { sequences: words('sequences', sequenceWords) }),
        ...(bySource && { source: words('source', rows, sourceLength) }),
      };
      const logits = session.recordStep(recording, state);
      const spill = session.spill && recording.use(session.spill);
      const speech = selection.stamped
        ? await import('../../shaders/choice/speech-tokens.ts')
        : undefined;
      const { likely } = selection;
      const weigher =
        likely === undefined
          ? undefined
          : (await import('./likelihoods.ts')).Weigher.record(logits, likely);
      process(logits, selection, tensors, speech);
      if (selection.beams === 1 || history === undefined) {
        chooseNext(logits, state.tokens, selection, tensors);
        const recent = words('recent tokens', rows, stepsAtOnce);
        const results = [recent];
        if (selection.weighs) {
          const { tokenLogProbs } = await import('../../shaders/choice/token-log-probs.ts');
          const weights = recording.persistent('recent log-probabilities', recent.shape);
          tokenLogProbs(logits, state.tokens, tensors, weights);
          results.push(weights);
        }
        results.push(...(weigher?.weigh(state) ?? []));
        appendTokens(state.tokens, { ...tensors, recent, spill });
        const plan = await Plan.create(recording, results);
        return new DecodeStep(session, plan, state, tensors, { weigher });
      }
      const { Beams: Search } = await import('./beam-search.ts');
      const all = { ...tensors, history };
      const beams = await Search.create(logits, state, all, selection, spill);
      return new DecodeStep(session, beams.step, state, tensors, { beams });
    } catch (error) {
      recording.dispose();
      session.dispose();
      throw error;
    }
  }

  /**
   * Makes everything as it is before the first step. `chosen` are all sequences, in order; `check` throws where
   * nobody wants to go on.
   */
  async start(beginning: Beginning, chosen: readonly Chosen[], check: () => void): Promise<void> {
    const { prompts, sources, sourceOf } = beginning;
    const { rules, flags, sequences, history, source: listed } = this.#tensors;
    const step = this.#step;
    this.#prompts = prompts;
    this.#lengths = prompts.map(({ ids }) => ids.length);
    this.#longest = Math.max(...this.#lengths);
    step.write(rules, rulesOf(prompts, chosen));
    step.write(
      flags,
      joined(chosen, ({ data }) => data.flags, elements(flags.shape)),
    );
    if (sequences) {
      const all = joined(chosen, ({ data }) => data.sequences, elements(sequences.shape));
      step.write(sequences, all);
    }
    const ids = ({ ids: own }: Tokens): readonly number[] => own;
    if (history) step.write(history, padded(prompts.map(ids), history.size(1)));
    if (listed) {
      const rows = sources.flatMap((source) => source.ids?.rows ?? []);
      const read = prompts.map((prompt, row) => rows[sourceOf[row] ?? 0] ?? prompt.ids);
      step.write(listed, padded(read, listed.size(1)));
    }
    this.#beams?.start(chosen[0]?.data.norms ?? []);
    await this.#session.start(beginning, this.#state, step, check);
  }

  /**
   * Tokens of a sequence that the cache has room for now. No more is wanted where it has all of its room:
   * beyond that there are only steps that a sequence takes along with others that are not through.
   */
  get room(): number {
    const { room, shape, steadyLength = Infinity } = this.#session;
    const most = room === undefined || room >= shape.capacity ? Infinity : room;
    return Math.min(most, steadyLength);
  }

  /** Makes room for so many, by filling the cache again if need be; no play may be under way. */
  async reserve(length: number): Promise<void> {
    const session = this.#session;
    await session.reserve?.(length, this.#step);
    const { history } = this.#tensors;
    if (length <= (session.steadyLength ?? Infinity) || history === undefined) return;
    const { grownPrompts } = await import('./feed-again.ts');
    const grown = length - this.#longest;
    const prompts = await grownPrompts(history.recording.gpu, this.#prompts, grown, history);
    await session.start({ prompts, sources: [], sourceOf: [] }, this.#state, this.#step, () => {});
  }

  /**
   * Plays so many steps, `stepsAtOnce` at most, behind the first of which the longest sequence has `length`
   * tokens in the cache. Result: of each, the chosen tokens (R); of beams, which take one at a time, the bytes
   * of their hypotheses. `ask` is asked by selections that ask.
   */
  async play(length: number, steps: number, ask?: AskEnds): Promise<Iterable<StepResult>> {
    this.#session.beforeStep?.(length);
    if (this.#beams !== undefined) return [{ words: new Uint32Array(await this.#beams.play(ask)) }];
    return this.#tokensOf(await this.#step.play(steps), length, steps);
  }

  /** The tokens of each step; throws where the cache could not hold what they were chosen by, not before. */
  *#tokensOf(
    [tokens = new ArrayBuffer(0), ...others]: readonly ArrayBuffer[],
    length: number,
    steps: number,
  ): Generator<StepResult> {
    const recent = new Uint32Array(tokens);
    const likely = this.#weigher && others.splice(-2);
    const weights = others[0] && new Float32Array(others[0]);
    for (let step = 0; step < steps; step++) {
      const behind = length + step - this.#longest;
      const places = this.#lengths.map(
        (own, row) => row * stepsAtOnce + ((own + behind) % stepsAtOnce),
      );
      const words = Uint32Array.from(places, (place) => recent[place] ?? lostToken);
      assertHeld(!words.includes(lostToken));
      const logProbs = weights && Float32Array.from(places, (place) => weights[place] ?? NaN);
      const likelihoods = likely && this.#weigher?.read(likely, places);
      yield { words, ...(logProbs && { logProbs }), ...(likelihoods && { likelihoods }) };
    }
  }

  /** The tokens of hypotheses as they are after all steps that were played. */
  async readEnded(): Promise<EndedBeams> {
    return (await this.#beams?.readEnded()) ?? { ended: new Uint32Array(), pitch: 0 };
  }

  /** Says which tokens the sequences have now, the last of which was not fed. */
  finish(sequences: readonly (readonly number[])[]): void {
    this.#session.finish?.(sequences);
  }

  dispose(): void {
    this.#step.dispose();
    this.#session.dispose();
  }
}

/** A row of rules for each sequence: what its neighbours share, its padding, its stream of draws. */
function rulesOf(prompts: readonly Tokens[], chosen: readonly Chosen[]): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(prompts.length * ruleCount);
  let row = 0;
  let sequences = 0;
  chosen.forEach(({ rows, data }, flagSet) => {
    for (let stream = 0; stream < rows; stream++, row++) {
      const prompt = prompts[row];
      const padding = prompt === undefined ? 0 : paddingOf(prompt);
      const own = { ...data.rules, padding, stream, flagSet, sequences };
      words.set(packRules(own), row * ruleCount);
    }
    sequences += data.sequences.length;
  });
  return words;
}

/** One after the other, zeros behind them up to `length`. */
function joined(
  chosen: readonly Chosen[],
  of: (one: Chosen) => Uint32Array,
  length: number,
): Uint32Array<ArrayBuffer> {
  const all = new Uint32Array(length);
  let at = 0;
  for (const list of chosen.map(of)) {
    all.set(list, at);
    at += list.length;
  }
  return all;
}

/** Rows of any lengths as one block, zeros behind each. */
function padded(rows: readonly (readonly number[])[], length: number): Uint32Array<ArrayBuffer> {
  const block = new Uint32Array(rows.length * length);
  rows.forEach((row, index) => block.set(row, index * length));
  return block;
}
