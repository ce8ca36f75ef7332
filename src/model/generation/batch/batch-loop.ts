// Requests that join and leave a running batch between steps: "iteration-level scheduling", Orca (Yu et al. 2022,
// OSDI, §3.1). Prompts are fed in pieces between the steps of the others, which so never wait for a long one: Sarathi
// (Agrawal et al. 2023, arXiv 2308.16369, §4.2).

import { type ErrorCode, TransformerError } from '../../../runtime/errors.ts';
import type { Tier } from '../../../runtime/gpu.ts';
import { lostError } from '../../plan-cache.ts';
import type { Seat } from './seat.ts';
import type { SharedCache } from './shared-cache.ts';
import { SharedSteps } from './shared-steps.ts';
import type { SharedPool } from './slot-pool.ts';

/** Tokens of a prompt that are fed at once at most: while others go on, and while none does. */
const fedBeside: Readonly<Record<Tier, number>> = { gpu: 256, software: 32 };
const fedAlone = 512;

export class BatchLoop {
  readonly #cache: SharedCache;
  readonly #steps: SharedSteps;
  readonly #pool: SharedPool;
  readonly #mostRows: number;
  readonly #waiting: Seat[] = [];
  #seats: Seat[] = [];
  #isGoing = false;

  constructor(
    cache: SharedCache,
    { pool, rows, vocabulary }: { pool: SharedPool; rows: number; vocabulary: number },
  ) {
    this.#cache = cache;
    this.#pool = pool;
    this.#mostRows = rows;
    this.#steps = new SharedSteps(cache, pool, vocabulary);
  }

  /** Requests without a seat, and those with one. */
  get load(): { waiting: number; running: number } {
    return { waiting: this.#waiting.length, running: this.#seats.length };
  }

  /** Has a request join as soon as there is room, behind those that came before. */
  join(seat: Seat): void {
    this.#waiting.push(seat);
    if (this.#isGoing) return;
    this.#isGoing = true;
    void this.#go();
  }

  /** Ends all that run or wait. */
  end(error: unknown): void {
    for (const seat of [...this.#seats, ...this.#waiting]) seat.fail(error);
  }

  async #go(): Promise<void> {
    while (this.#waiting.length + this.#seats.length > 0) {
      try {
        this.#leave();
        await this.#admit();
        await this.#turn();
      } catch (error) {
        await this.#fail(error);
      }
      // Those that left were ahead of their answers; some may come meanwhile.
      if (this.#waiting.length + this.#seats.length === 0) await this.#steps.drop();
    }
    this.#isGoing = false;
  }

  /** Feeds a piece of a prompt, and goes a step on with those that are fed. */
  async #turn(): Promise<void> {
    const fed = this.#seats.filter(({ isFed }) => isFed);
    const next = this.#seats.find(({ isFed }) => !isFed);
    const { scope } = this.#cache;
    const { gpu } = scope;
    await next?.feed(this.#cache, fed.length > 0 ? fedBeside[gpu.tier] : fedAlone);
    if (fed.length > 0) {
      await this.#steps.advance(fed, next !== undefined || this.#waiting.length > 0);
    } else if (next !== undefined) {
      // Nobody else waits for the device, and an end is heard between two pieces.
      await scope.answer(gpu.device.queue.onSubmittedWorkDone());
    }
  }

  /**
   * Has those that are over leave. A step that is under way may still write to their slots, but before whatever those
   * hold next is written.
   */
  #leave(): void {
    const over = this.#seats.filter(({ isOver }) => isOver);
    for (const seat of over) seat.stand(this.#pool);
    if (over.length > 0) this.#seats = this.#seats.filter(({ isOver }) => !isOver);
  }

  /** Gives seats to those that wait, in their order, while there is room. */
  async #admit(): Promise<void> {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      if (!next.isOver && !(await this.#seat(next))) return;
      this.#waiting.shift();
      if (!next.isOver) this.#seats.push(next);
    }
  }

  /** Gives a request what it needs of the cache; false where it has to wait for others to leave. */
  async #seat(seat: Seat): Promise<boolean> {
    const rows = this.#seats.reduce((sum, { request }) => sum + request.rows, 0);
    if (rows + seat.request.rows > this.#mostRows || !seat.sit(this.#pool)) return false;
    try {
      if (this.#seats.length === 0) this.#cache.clear();
      const { end } = seat;
      if (!this.#cache.hasRoom(end)) {
        await this.#steps.drain();
        await this.#cache.reserve(end);
      }
      return true;
    } catch (error) {
      seat.stand(this.#pool);
      if (hasCode(error, 'OUT_OF_MEMORY') && this.#seats.length > 0) return false;
      seat.fail(error);
      return true;
    }
  }

  /**
   * Ends all that run: what they have in the cache may be wrong. Where memory is short, the one that came last, and the
   * others go on from the tokens that they have: of states, which steps do not leave as they were, all must have come.
   */
  async #fail(error: unknown): Promise<void> {
    const isShort = hasCode(error, 'OUT_OF_MEMORY');
    const goOn = isShort && ((await this.#steps.settle()) || !this.#cache.hasStates);
    await this.#steps.drop();
    const told = this.#told(error);
    const last = goOn ? this.#seats.slice(-1) : this.#seats;
    for (const seat of last) seat.fail(told);
    // Where none runs it is the first that waits who cannot begin.
    if (this.#seats.length === 0) this.#waiting.shift()?.fail(told);
    this.#leave();
  }

  /**
   * What callers are told: where a model was taken away because its device was, that. One that recovers is loaded again
   * for those that come.
   */
  #told(error: unknown): unknown {
    const { scope } = this.#cache;
    if (!scope.isDisposed || !hasCode(error, 'DISPOSED')) return error;
    try {
      return scope.isCurrent ? error : lostError(error);
    } catch (gone) {
      // There is no device any more.
      return gone;
    }
  }
}

function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof TransformerError && error.code === code;
}
