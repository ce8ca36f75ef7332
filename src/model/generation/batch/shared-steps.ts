// The steps of a running batch. Lists are recorded for a few numbers of rows; rows that nobody has see nothing.

import type { Gpu } from '../../../runtime/gpu.ts';
import { neutralRules } from '../../../shaders/choice/rules.ts';
import { type Chosen, DecodeStep, type StepResult } from '../decode-step.ts';
import { Pace, stepsAhead, timed } from '../pace.ts';
import type { Tokens } from '../prompt.ts';
import { type Selection, unite } from '../selection.ts';
import { mostLikely } from './batch-options.ts';
import type { Seat } from './seat.ts';
import { roomOf, type SharedCache } from './shared-cache.ts';
import type { SharedPool } from './slot-pool.ts';

/** How many of the likeliest tokens lists tell, so that there are few lists. */
const listedTokens = [0, 5, mostLikely];

/** Steps of one list for the same requests. */
interface Run {
  readonly step: DecodeStep;
  readonly seats: readonly Seat[];
  readonly pace: Pace;
  /** Tokens of the longest sequence when it began. */
  readonly longest: number;
  /** Steps until one of them ends or has no slots any more. */
  readonly count: number;
  /** Steps that were submitted, and of which the tokens came. */
  submitted: number;
  given: number;
}

export class SharedSteps {
  readonly #cache: SharedCache;
  readonly #pool: SharedPool;
  readonly #vocabulary: number;
  /** By their rows, and by how many of the likeliest tokens they tell. */
  readonly #lists = new Map<string, DecodeStep>();
  /** What requests have asked of the choice of tokens so far: a list that has all of it serves them all. */
  #selection: Selection | undefined;
  #run: Run | undefined;
  readonly #underWay: Promise<Iterable<StepResult>>[] = [];
  /** Whether tokens of steps did not come. */
  #hasLost = false;

  constructor(cache: SharedCache, pool: SharedPool, vocabulary: number) {
    this.#cache = cache;
    this.#pool = pool;
    this.#vocabulary = vocabulary;
  }

  get #gpu(): Gpu {
    return this.#cache.scope.gpu;
  }

  /** Goes a step on with these requests, or a few; `isHurried`: whether something else waits for its end. */
  async advance(seats: readonly Seat[], isHurried: boolean): Promise<void> {
    let run = this.#run;
    if (run === undefined || run.given === run.count || !isSame(run.seats, seats)) {
      await this.drain();
      // What was under way may have been the last of some.
      if (seats.some(({ isOver }) => isOver)) return;
      run = await this.#begin(seats);
      this.#run = run;
    }
    this.#submit(run, isHurried);
    await this.#take(run);
  }

  /** Waits for what is under way. */
  async drain(): Promise<void> {
    const run = this.#run;
    if (run === undefined) return;
    while (this.#underWay.length > 0) await this.#take(run);
    this.#run = undefined;
  }

  /** Hands out the tokens of all that was submitted, as far as it is known; false where some are lost. */
  async settle(): Promise<boolean> {
    try {
      if (!this.#hasLost) await this.drain();
    } catch {
      // What went wrong first is told.
    }
    return !this.#hasLost;
  }

  /** Forgets what is under way, once it is through, whatever came of it. */
  async drop(): Promise<void> {
    this.#run = undefined;
    await Promise.allSettled(this.#underWay.splice(0));
    this.#hasLost = false;
  }

  async #begin(seats: readonly Seat[]): Promise<Run> {
    for (const seat of seats) seat.grow(this.#pool);
    await this.#cache.reserve(roomOf(seats.map(({ end }) => end)));
    const requests = seats.map(({ request }) => request);
    const prompts = seats.flatMap(({ tokens }) => tokens);
    const rows = 2 ** Math.ceil(Math.log2(prompts.length));
    const step = await this.#listFor(rows, seats);
    const idle = rows - prompts.length;
    const chosen: Chosen[] = requests.map(({ rows: own, data }) => ({ rows: own, data }));
    if (idle > 0) chosen.push({ rows: idle, data: this.#neutral() });
    const nobody: Tokens = { ids: [0], mask: [1], slots: [] };
    const beginning = {
      prompts: [...prompts, ...Array.from({ length: idle }, () => nobody)],
      sources: [],
      sourceOf: [],
    };
    await step.start(beginning, chosen, () => {});
    const longest = prompts.reduce((most, { ids }) => Math.max(most, ids.length), 0);
    const mayEnd = requests.some(
      ({ values, options }) => values.eosTokenId.length > 0 || options.stoppingCriteria,
    );
    const pace = new Pace({ tier: this.#gpu.tier, isSingle: false, mayEnd });
    const count = seats.reduce((least, { left, room }) => Math.min(least, left, room), Infinity);
    return { step, seats, pace, longest, count, submitted: 0, given: 0 };
  }

  /** The list of a number of rows that chooses tokens as these requests ask for. */
  async #listFor(rows: number, seats: readonly Seat[]): Promise<DecodeStep> {
    const own = unite(seats.map(({ request }) => request.selection));
    const asked = seats.reduce((most, { topLogProbs = -1 }) => Math.max(most, topLogProbs), -1);
    const likely = asked < 0 ? undefined : listedTokens.find((count) => count >= asked);
    const selection = {
      ...this.#widened(own),
      sets: rows,
      ...(likely !== undefined && { likely }),
    };
    const key = `${rows}/${likely ?? ''}`;
    let list = this.#lists.get(key);
    if (list === undefined) {
      list = await DecodeStep.create(this.#cache.scope, this.#cache.rows(rows), selection, 0);
      this.#lists.set(key, list);
    }
    return list;
  }

  /** What was asked for so far, and this. Lists that choose by less are freed. */
  #widened(own: Selection): Selection {
    const before = this.#selection;
    const words = own.sequenceWords && 2 ** Math.ceil(Math.log2(own.sequenceWords));
    const sequenceWords = Math.max(before?.sequenceWords ?? 0, words);
    const after = { ...unite([before ?? own, own]), sets: 1, sequenceWords };
    if (JSON.stringify(after) !== JSON.stringify(before)) {
      for (const list of this.#lists.values()) list.dispose();
      this.#lists.clear();
      this.#selection = after;
    }
    return after;
  }

  #submit(run: Run, isHurried: boolean): void {
    const most = stepsAhead[this.#gpu.tier];
    while (run.submitted < run.count) {
      const steps = isHurried ? 1 : Math.min(run.pace.steps(run.given), run.count - run.submitted);
      if (run.submitted - run.given > (steps > 1 ? Math.max(most, steps) : most)) return;
      const play = run.step.play(run.longest + run.submitted, steps);
      this.#underWay.push(timed(play, steps, run.pace));
      run.submitted += steps;
    }
  }

  /** Hands out the tokens of what was submitted first. */
  async #take(run: Run): Promise<void> {
    const first = this.#underWay.shift();
    this.#hasLost = true;
    const results = (await first) ?? [];
    this.#hasLost = false;
    for (const { words, likelihoods } of results) {
      run.given++;
      let row = 0;
      for (const seat of run.seats) {
        const own = [row, (row += seat.request.rows)] as const;
        seat.take(words.subarray(...own), likelihoods?.slice(...own));
      }
    }
  }

  #neutral(): Chosen['data'] {
    const flags = new Uint32Array(this.#vocabulary);
    return { rules: neutralRules, flags, sequences: new Uint32Array(), norms: [] };
  }
}

function isSame(some: readonly Seat[], others: readonly Seat[]): boolean {
  return some.length === others.length && some.every((seat, i) => seat === others[i]);
}
