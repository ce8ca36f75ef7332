// A queue of shards, by pg-boss over PostgreSQL. Jobs are claimed, renewed and given up by the clock of the database.

import type { Db, PgBoss } from 'pg-boss';
import { setTimeout as delay } from 'node:timers/promises';
import { fieldOf } from '../../runtime/errors.ts';
import { messageOf } from '../../runtime/print.ts';
import { redact } from '../../runtime/redact.ts';
import { Connection, type DatabaseSettings, isOutage, schema, unreachable } from './connection.ts';
import { queueDefaults, type QueueSettings } from './defaults.ts';
import { type QueueState, stateOf } from './queue-state.ts';
import { jobId, type ShardJob } from './shard-job.ts';
import { prepareVectors } from './vector-table.ts';

/** A shard in the hands of a worker: one of possibly several attempts at it. */
export interface Claim {
  readonly id: string;
  /** Which attempt; a later one by another worker is not touched. */
  readonly retryCount: number;
  /** What the job says, not checked yet. */
  readonly data: unknown;
  readonly lease: number;
}

/** What is kept of a shard that is done. */
export interface Outcome {
  readonly output: string;
  readonly status: 'written' | 'kept';
  readonly rows?: number;
  readonly seconds: number;
}

/** Seconds that jobs are kept: ten years, since a shard that is done is what tells that it need not be queued again. */
const kept = 10 * 365 * 86_400;

/** Seconds that a shard may take, whatever its worker says; pg-boss allows no more. */
const longest = 86_400;

/** Seconds between two delays at most. */
const longestDelay = 600;

/** Jobs of one statement. */
const batch = 1000;

/** Milliseconds that a database may be away before a worker gives up. */
const patience = 600_000;

/** Has pg-boss, which asks for the tries that are left when an attempt fails, give the shard up. */
const lastTry = `
  UPDATE ${schema}.job SET retry_limit = retry_count
  WHERE name = $1 AND id = $2 AND retry_count = $3 AND state = 'active'`;

/** How a queue is opened. */
export interface OpenOptions {
  readonly works?: boolean;
  readonly report?: (message: string) => void;
}

export class ShardQueue implements AsyncDisposable {
  readonly name: string;
  readonly #connection: Connection;
  readonly #report: (message: string) => void;

  private constructor(name: string, connection: Connection, report: (message: string) => void) {
    this.name = name;
    this.#connection = connection;
    this.#report = report;
  }

  /**
   * Connects. `works` when shards are taken from it: it then also looks after leases that ran out. `report` is told of a
   * database that is away. Errors: FILE_UNREADABLE, MODEL_UNSUPPORTED without pg-boss, FILE_UNWRITABLE.
   */
  static async open(
    name: string,
    database: DatabaseSettings,
    { works = false, report = () => undefined }: OpenOptions = {},
  ): Promise<ShardQueue> {
    return new ShardQueue(name, await Connection.open(database, name, works), report);
  }

  /** Makes the queue where it is missing, else changes what is given. */
  async prepare(settings: Partial<QueueSettings>): Promise<void> {
    const options = {
      ...(settings.lease !== undefined && { heartbeatSeconds: settings.lease }),
      ...(settings.retries !== undefined && { retryLimit: settings.retries }),
      ...(settings.delay !== undefined && { retryDelay: settings.delay }),
    };
    if ((await this.#boss.getQueue(this.name)) !== null) {
      if (Object.keys(options).length > 0) await this.#boss.updateQueue(this.name, options);
      return;
    }
    const all = { retentionSeconds: kept, deleteAfterSeconds: 0, expireInSeconds: longest };
    await this.#boss.createQueue(this.dead, all);
    await this.#boss.createQueue(this.name, {
      ...all,
      heartbeatSeconds: queueDefaults.lease,
      retryLimit: queueDefaults.retries,
      retryDelay: queueDefaults.delay,
      retryBackoff: true,
      retryDelayMax: longestDelay,
      deadLetter: this.dead,
      ...options,
    });
  }

  /** Whether there is one of this name. */
  async exists(): Promise<boolean> {
    return (await this.#boss.getQueue(this.name)) !== null;
  }

  /** Queues jobs, but those that were queued before, in whatever state they are. Result: how many are new. */
  async add(jobs: readonly ShardJob[]): Promise<number> {
    const byId = new Map(jobs.map((job) => [jobId(job), job]));
    const rows = Array.from(byId, ([id, data]) => ({ id, data }));
    let added = 0;
    for (let at = 0; at < rows.length; at += batch) {
      const some = rows.slice(at, at + batch);
      added += (await this.#boss.insert(this.name, some, { returnId: true }))?.length ?? 0;
    }
    return added;
  }

  /** The next shard, if one waits. Until the database is back it is asked again. Errors: FILE_UNREADABLE, ABORTED. */
  async take(signal: AbortSignal): Promise<Claim | undefined> {
    const [job] = await this.#ask(() => this.#boss.fetch<unknown>(this.name), signal);
    if (job === undefined) return undefined;
    const { id, retryCount, data, heartbeatSeconds } = job;
    return { id, retryCount, data, lease: heartbeatSeconds ?? queueDefaults.lease };
  }

  /** Shards that wait, are in work or will be tried again. */
  async unfinished(signal: AbortSignal): Promise<number> {
    const { waiting, running, retrying } = await this.#ask(() => this.state(), signal);
    return waiting + running + retrying;
  }

  /** Whether the shard still is this worker's; it is for as long as a lease from now on. */
  async renew(claim: Claim): Promise<boolean> {
    return isDone(await this.#boss.touch(this.name, claim));
  }

  /**
   * Result: whether the shard still was this worker's. `store` writes into the database what belongs to it, of which
   * nothing is there where it was not. Errors: its own.
   */
  async complete(
    claim: Claim,
    outcome: Outcome,
    store?: (db: Db) => Promise<void>,
  ): Promise<boolean> {
    if (store === undefined) {
      return isDone(await this.#ask(() => this.#boss.complete(this.name, claim, outcome)));
    }
    return this.#ask(() =>
      this.#connection.transaction(async (db) => {
        await store(db);
        return isDone(await this.#boss.complete(this.name, claim, { ...outcome }, { db }));
      }),
    );
  }

  /** Has the database know vectors. Errors: OPTION_INVALID. */
  async prepareVectors(): Promise<void> {
    await this.#ask(() => prepareVectors(this.#boss.getDb()));
  }

  /**
   * Has a shard tried again later, and once that was often enough put among the dead; where trying again cannot help,
   * at once. Result: whether the shard still was this worker's.
   */
  async fail(claim: Claim, error: unknown, isHopeless: boolean): Promise<boolean> {
    const why = { message: redact(messageOf(error)), code: fieldOf(error, 'code') ?? null };
    const { id, retryCount } = claim;
    return isDone(
      await this.#ask(async () => {
        if (isHopeless) await this.#connection.query(lastTry, [this.name, id, retryCount]);
        return this.#boss.fail(this.name, claim, why);
      }),
    );
  }

  /** Lets others have a shard at once, without a delay. */
  async giveBack(claim: Claim): Promise<void> {
    try {
      await this.#connection.transaction(async (db) => {
        await this.#boss.cancel(this.name, claim, { db });
        await this.#boss.resume(this.name, claim.id, { db });
        return true;
      });
    } catch (error) {
      // While the database is away the lease runs out.
      if (!isOutage(error)) throw error;
    }
  }

  /** How far it is. */
  async state(): Promise<QueueState> {
    return stateOf(this.#connection, this.name, this.dead);
  }

  /** Puts the dead back, each as a new job with all its tries. Result: how many. */
  async retryDead(): Promise<number> {
    let moved = 0;
    for (;;) {
      const some = await this.#boss.redrive(this.dead, { sourceName: this.name, limit: batch });
      moved += some;
      if (some < batch) return moved;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }

  /** The queue of its dead letters. */
  get dead(): string {
    return `${this.name}.dead`;
  }

  get #boss(): PgBoss {
    return this.#connection.boss;
  }

  /** Asks until the database answers, however often it is away. */
  async #ask<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const until = performance.now() + patience;
    for (let tries = 0; ; tries++) {
      try {
        return await work();
      } catch (cause) {
        if (!isOutage(cause)) throw cause;
        if (tries === 0) this.#report(`PostgreSQL is away: ${messageOf(cause)}. Trying again.`);
        if (performance.now() > until) throw unreachable(cause);
      }
      await delay(Math.min(250 * 2 ** tries, 10_000), undefined, signal && { signal });
      await this.#connection.revive().catch(() => undefined);
    }
  }
}

/** Whether a statement found the attempt that it was for. */
function isDone(answer: unknown): boolean {
  return fieldOf(answer, 'affected') === 1;
}
