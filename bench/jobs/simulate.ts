// A fleet of workers that take shards from a queue, as discrete events. Documents are never looked at one by one: a
// shard is a number of tokens.

import { Random } from '../../src/model/random.ts';
import { Events } from './events.ts';
import type { Fleet } from './fleet.ts';

export interface Outcome {
  /** Until the last shard was done, or a dead letter. */
  readonly seconds: number;
  /** Tokens that were computed and did not become an output, over all tokens of the documents. */
  readonly again: number;
  /** Shards. */
  readonly deadLetters: number;
  /** Leases that ran out while their worker lived. */
  readonly falseExpiries: number;
}

interface Shard {
  readonly tokens: number;
  attempts: number;
  /** Done, or a dead letter. */
  settled: boolean;
}

interface Worker {
  readonly speed: number;
  attempt: Attempt | undefined;
  isDown: boolean;
}

/** A shard in a worker's hands. */
interface Attempt {
  readonly worker: Worker;
  readonly shard: Shard;
  readonly start: number;
  /** As it stands: stalls push it out. */
  end: number;
  /** When the renewals that go on now began. */
  renewing: number;
  /** While the worker stands still. */
  stall: { readonly from: number; readonly until: number } | undefined;
  /** The queue has taken it back. */
  isLost: boolean;
}

/** Lets a fleet work until nothing is left. The same seed gives the same outcome. */
export function simulate(fleet: Fleet, seed: number): Outcome {
  return new Run(fleet, seed).outcome();
}

class Run {
  readonly #fleet: Fleet;
  /** What is drawn for one does not depend on what was for another, so that fleets with the same seed compare. */
  readonly #random: Readonly<Record<'shards' | 'speeds' | 'failures' | 'stalls', Random>>;
  readonly #events = new Events();
  /** Shards that nobody had yet; the next one last. */
  readonly #fresh: Shard[];
  /** Shards that are given out again. As in pg-boss, they come before those that nobody had. */
  readonly #returned: Shard[] = [];
  readonly #idle = new Set<Worker>();
  #left: number;
  #lostTokens = 0;
  #deadLetters = 0;
  #falseExpiries = 0;

  constructor(fleet: Fleet, seed: number) {
    const draws = (purpose: number): Random => new Random(4 * seed + purpose);
    this.#fleet = fleet;
    this.#random = { shards: draws(0), speeds: draws(1), failures: draws(2), stalls: draws(3) };
    this.#fresh = this.#drawShards();
    this.#left = this.#fresh.length;
  }

  outcome(): Outcome {
    const { documents, tokens, workers, failures, stalls } = this.#fleet;
    const all = Array.from({ length: workers }, () => this.#drawWorker());
    for (const worker of all) {
      this.#repeat('failures', failures, () => this.#kill(worker));
      this.#repeat('stalls', stalls, () => this.#stall(worker));
      this.#take(worker);
    }
    while (this.#left > 0) this.#events.run();
    // Some may still be at what another has done.
    for (const { attempt } of all) if (attempt !== undefined) this.#drop(attempt);
    return {
      seconds: this.#events.now,
      again: this.#lostTokens / (documents * tokens),
      deadLetters: this.#deadLetters,
      falseExpiries: this.#falseExpiries,
    };
  }

  #drawShards(): Shard[] {
    const { documents, shard, tokens, tokenSpread } = this.#fleet;
    return Array.from({ length: Math.ceil(documents / shard) }, (_, i) => {
      const count = Math.min(shard, documents - i * shard);
      // The sum of many lengths is nearly normal.
      const factor = 1 + (tokenSpread / Math.sqrt(count)) * this.#random.shards.normal();
      return { tokens: count * tokens * Math.max(0, factor), attempts: 0, settled: false };
    });
  }

  #drawWorker(): Worker {
    const { speed, speedSpread } = this.#fleet;
    const factor = Math.max(0.1, 1 + speedSpread * this.#random.speeds.normal());
    return { speed: speed * factor, attempt: undefined, isDown: false };
  }

  /** At times that are drawn: so often per hour on average. */
  #repeat(what: 'failures' | 'stalls', perHour: number, run: () => void): void {
    if (perHour === 0) return;
    this.#events.add(this.#events.now + exponential(this.#random[what], 3600 / perHour), () => {
      run();
      this.#repeat(what, perHour, run);
    });
  }

  #nextShard(): Shard | undefined {
    for (;;) {
      const shard = this.#returned.shift();
      if (shard === undefined) return this.#fresh.pop();
      if (!shard.settled) return shard;
    }
  }

  #take(worker: Worker): void {
    worker.attempt = undefined;
    const shard = this.#nextShard();
    if (shard === undefined) {
      this.#idle.add(worker);
      return;
    }
    shard.attempts += 1;
    const { now } = this.#events;
    const { overhead, lease, renewal } = this.#fleet;
    const end = now + overhead + shard.tokens / worker.speed;
    const stays = { worker, shard, start: now, end, renewing: now };
    const attempt: Attempt = { ...stays, stall: undefined, isLost: false };
    worker.attempt = attempt;
    this.#awaitEnd(attempt);
    if (renewal === 0) this.#expire(attempt, now + lease);
  }

  #awaitEnd(attempt: Attempt): void {
    const { worker, end } = attempt;
    this.#events.add(end, () => {
      if (worker.attempt === attempt && attempt.end === end) this.#finish(attempt);
    });
  }

  #finish({ worker, shard }: Attempt): void {
    if (shard.settled) this.#lostTokens += shard.tokens;
    else this.#settle(shard);
    this.#take(worker);
  }

  #settle(shard: Shard): void {
    shard.settled = true;
    this.#left -= 1;
  }

  /** What was done so far is lost. */
  #drop({ shard, start, end }: Attempt): void {
    this.#lostTokens += ((this.#events.now - start) / (end - start)) * shard.tokens;
  }

  #kill(worker: Worker): void {
    if (worker.isDown) return;
    const { attempt } = worker;
    const { restart, lease, renewal } = this.#fleet;
    worker.attempt = undefined;
    worker.isDown = true;
    this.#idle.delete(worker);
    this.#events.add(this.#events.now + restart, () => {
      worker.isDown = false;
      this.#take(worker);
    });
    if (attempt === undefined) return;
    this.#drop(attempt);
    if (renewal > 0) this.#expire(attempt, this.#lastRenewal(attempt) + lease);
  }

  #stall({ attempt }: Worker): void {
    if (attempt === undefined || attempt.stall !== undefined) return;
    const { lease, renewal, stall } = this.#fleet;
    const from = this.#events.now;
    const until = from + exponential(this.#random.stalls, stall);
    const runsOut = this.#lastRenewal(attempt) + lease;
    attempt.stall = { from, until };
    attempt.end += until - from;
    this.#awaitEnd(attempt);
    this.#events.add(until, () => this.#wake(attempt));
    if (renewal > 0 && until > runsOut) this.#expire(attempt, runsOut, until);
  }

  /** The first thing is to renew the lease; where it is lost, the worker drops the shard. */
  #wake(attempt: Attempt): void {
    const { worker } = attempt;
    attempt.stall = undefined;
    attempt.renewing = this.#events.now;
    if (worker.attempt !== attempt || !attempt.isLost || this.#fleet.renewal === 0) return;
    this.#drop(attempt);
    this.#take(worker);
  }

  #lastRenewal({ renewing, stall }: Attempt): number {
    const { renewal } = this.#fleet;
    const now = stall?.from ?? this.#events.now;
    return renewal === 0 ? renewing : renewing + Math.floor((now - renewing) / renewal) * renewal;
  }

  /**
   * The queue gives a shard to another, once it looks after the lease ran out and if no sign of life came until then.
   * `wakes`: when one would come.
   */
  #expire(attempt: Attempt, runsOut: number, wakes = Infinity): void {
    const { supervision, retries, delay } = this.#fleet;
    const looks = Math.ceil(runsOut / supervision) * supervision;
    if (looks >= wakes) return;
    this.#events.add(looks, () => {
      const { shard, worker } = attempt;
      if (shard.settled || attempt.isLost) return;
      attempt.isLost = true;
      if (worker.attempt === attempt) this.#falseExpiries += 1;
      if (shard.attempts > retries) {
        this.#deadLetters += 1;
        this.#settle(shard);
        return;
      }
      this.#events.add(looks + delay * 2 ** (shard.attempts - 1), () => this.#giveOut(shard));
    });
  }

  /** To one that waits, or to the next that has time. */
  #giveOut(shard: Shard): void {
    this.#returned.push(shard);
    const [idle] = this.#idle;
    if (idle === undefined) return;
    this.#idle.delete(idle);
    this.#take(idle);
  }
}

function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - random.next());
}
