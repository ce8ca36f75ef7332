// Who may use the GPU, and when: a few at once, the others in turn, and no more of them than can be served.

import { abortError } from '../runtime/errors.ts';
import { QueueFull } from './scheduler.ts';

/** Gives the place back. */
type Leave = () => void;

interface Waiting {
  readonly enter: () => void;
}

/** Seconds that clients are told to wait, at least and at most. */
const [shortest, longest] = [1, 60];

/** A bounded queue in which clients take turns: one with many requests waits no less than one with few. */
export class FairQueue {
  readonly #atOnce: number;
  readonly #most: number;
  /** By client, in the order of their turns. */
  readonly #waiting = new Map<string, Waiting[]>();
  #count = 0;
  #running = 0;
  /** Seconds that a request takes, of late. */
  #usual = 1;

  /** `atOnce` may run, and `most` wait. */
  constructor(atOnce: number, most: number) {
    this.#atOnce = atOnce;
    this.#most = most;
  }

  get load(): { readonly waiting: number; readonly running: number } {
    return { waiting: this.#count, running: this.#running };
  }

  /**
   * Waits for a place. Whoever gets it calls what this resolves with when done.
   * @throws QueueFull at once; ABORTED while it waits
   */
  enter(client: string, signal: AbortSignal): Promise<Leave> {
    if (signal.aborted) return Promise.reject(abortError(signal));
    if (this.#running < this.#atOnce) return Promise.resolve(this.#start());
    if (this.#count >= this.#most) throw this.#full();
    return new Promise<Leave>((resolve, reject) => {
      const one: Waiting = {
        enter: () => {
          signal.removeEventListener('abort', abort);
          resolve(this.#start());
        },
      };
      const abort = (): void => {
        this.#remove(client, one);
        reject(abortError(signal));
      };
      signal.addEventListener('abort', abort, { once: true });
      const own = this.#waiting.get(client);
      if (own === undefined) this.#waiting.set(client, [one]);
      else own.push(one);
      this.#count++;
    });
  }

  /** Does work in a place. @throws QueueFull at once; ABORTED while it waits; what the work throws */
  run<Result>(client: string, signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    const place = this.enter(client, signal);
    return place.then(async (leave) => {
      try {
        return await work();
      } finally {
        leave();
      }
    });
  }

  #start(): Leave {
    this.#running++;
    const since = performance.now();
    let isLeft = false;
    return () => {
      if (isLeft) return;
      isLeft = true;
      this.#running--;
      this.#usual += ((performance.now() - since) / 1000 - this.#usual) / 8;
      this.#next();
    };
  }

  #next(): void {
    const [turn] = this.#waiting;
    if (turn === undefined) return;
    const [client, [one]] = turn;
    if (one === undefined) return;
    this.#remove(client, one);
    // Behind the other clients.
    const rest = this.#waiting.get(client);
    if (rest !== undefined) {
      this.#waiting.delete(client);
      this.#waiting.set(client, rest);
    }
    one.enter();
  }

  #remove(client: string, one: Waiting): void {
    const own = this.#waiting.get(client) ?? [];
    const rest = own.filter((other) => other !== one);
    this.#count -= own.length - rest.length;
    if (rest.length > 0) this.#waiting.set(client, rest);
    else this.#waiting.delete(client);
  }

  #full(): QueueFull {
    const seconds = Math.ceil((this.#usual * this.#most) / this.#atOnce);
    return new QueueFull(Math.min(longest, Math.max(shortest, seconds)));
  }
}
