// A worker: shard after shard, each under a lease that is renewed while it is worked on.

import type { Db } from 'pg-boss';
import { setTimeout as delay } from 'node:timers/promises';
import { TransformerError } from '../../index.node.ts';
import type { ErrorCode } from '../../runtime/errors.ts';
import { fieldOf } from '../../runtime/errors.ts';
import { messageOf } from '../../runtime/print.ts';
import { redact } from '../../runtime/redact.ts';
import type { ShardResult } from '../../jobs/index.ts';
import { renewals } from './defaults.ts';
import { parseJob, type ShardJob } from './shard-job.ts';
import type { Claim, ShardQueue } from './shard-queue.ts';

/** What became of a shard here; `left`: it was given back, or another worker has it. */
export interface WorkedShard {
  readonly input: string;
  readonly status: ShardResult['status'] | 'failed' | 'left';
  readonly output?: string;
  readonly rows?: number;
  readonly seconds: number;
  readonly error?: string;
  /** Whether a failed one is given up at once. */
  readonly isDead?: boolean;
}

export interface WorkSettings {
  /** Ends the work. */
  readonly signal: AbortSignal;
  /** Milliseconds that a shard may still take then, before it is given back. */
  readonly grace: number;
  /** Waits for more where nothing is left. */
  readonly stays: boolean;
  /** Milliseconds that a worker waits when a shard failed by its own machine; 5000 when absent. */
  readonly recovery?: number;
  readonly report: (shard: WorkedShard) => void;
}

/** What became of a job. */
export interface JobResult extends ShardResult {
  /** Writes into the database what belongs there. */
  readonly store?: (db: Db) => Promise<void>;
}

/** What does a job. Errors: those of functions over shards. */
export type RunJob = (job: ShardJob, signal: AbortSignal) => Promise<JobResult>;

/** Milliseconds between two questions for work. */
const idle = 1000;

/** Shards that may fail so one after the other, before the worker counts as broken. */
const mostFailures = 5;

/** What is wrong with a shard, its model or its job stays wrong: nobody tries it again. */
const hopeless: readonly ErrorCode[] = [
  'CONFIG_INVALID',
  'FILE_INVALID',
  'INPUT_INVALID',
  'OPTION_INVALID',
  'OPTION_UNKNOWN',
  'TENSOR_MISMATCH',
  'TENSOR_MISSING',
];

/** What is wrong with a machine would be wrong with the next shard, too. */
const ofMachine: readonly ErrorCode[] = [
  'DEVICE_LOST',
  'DEVICE_REFUSED',
  'FILE_UNWRITABLE',
  'OUT_OF_MEMORY',
  'SHADER_INVALID',
  'VALIDATION_FAILED',
];

/**
 * Works until nothing is left, or the signal. Errors: FILE_UNREADABLE when the database stays away; that of the last
 * shard where several failed one after the other by this machine's own fault.
 */
export async function work(queue: ShardQueue, run: RunJob, settings: WorkSettings): Promise<void> {
  const { signal, stays, recovery = 5000 } = settings;
  let failures = 0;
  while (!signal.aborted) {
    const claim = await unlessAborted(signal, () => queue.take(signal));
    if (claim === undefined) {
      const isOver = !stays && (await unlessAborted(signal, () => queue.unfinished(signal))) === 0;
      if (isOver) return;
      await pause(idle, signal);
      continue;
    }
    const error = await workOn(queue, claim, run, settings);
    failures = isOneOf(ofMachine, error) ? failures + 1 : 0;
    if (failures === mostFailures) throw broken(error);
    if (failures > 0) await pause(recovery, signal);
  }
}

/** Result: why it failed, if it did. */
async function workOn(
  queue: ShardQueue,
  claim: Claim,
  run: RunJob,
  { signal, grace, report }: WorkSettings,
): Promise<unknown> {
  const begun = performance.now();
  const input = redact(String(fieldOf(claim.data, 'input')));
  const told = (rest: Omit<WorkedShard, 'input' | 'seconds'>): void =>
    report({ input, seconds: (performance.now() - begun) / 1000, ...rest });
  using lease = new Lease(queue, claim);
  using ending = new Ending(signal, grace);
  try {
    const job = parseJob(claim.data);
    const { path, store, ...result } = await run(
      job,
      AbortSignal.any([lease.signal, ending.signal]),
    );
    const seconds = (performance.now() - begun) / 1000;
    const isOurs = await queue.complete(claim, { ...result, output: path, seconds }, store);
    told(isOurs ? { ...result, output: path } : { status: 'left' });
    return undefined;
  } catch (error) {
    if (lease.signal.aborted) told({ status: 'left' });
    else if (ending.signal.aborted) {
      await queue.giveBack(claim);
      told({ status: 'left' });
    } else {
      const isDead = isOneOf(hopeless, error);
      await queue.fail(claim, error, isDead);
      told({ status: 'failed', error: redact(messageOf(error)), isDead });
    }
    return error;
  }
}

/** Renews a claim until it is disposed of. */
class Lease implements Disposable {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(queue: ShardQueue, claim: Claim) {
    const renew = async (): Promise<void> => {
      // While the database is away nobody else can have it.
      const isOurs = await queue.renew(claim).catch(() => true);
      if (!isOurs) this.#controller.abort();
    };
    this.#timer = setInterval(() => void renew(), (1000 * claim.lease) / renewals);
  }

  /** Fires when another worker has the shard. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** Fires some time after another signal. */
class Ending implements Disposable {
  readonly #controller = new AbortController();
  readonly #begin: () => void;
  readonly #asked: AbortSignal;
  #timer: NodeJS.Timeout | undefined;

  constructor(asked: AbortSignal, grace: number) {
    this.#asked = asked;
    this.#begin = () => {
      this.#timer = setTimeout(() => this.#controller.abort(), grace);
    };
    if (asked.aborted) this.#begin();
    else asked.addEventListener('abort', this.#begin, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#asked.removeEventListener('abort', this.#begin);
  }
}

function isOneOf(codes: readonly ErrorCode[], error: unknown): boolean {
  return error instanceof TransformerError && codes.includes(error.code);
}

function broken(cause: unknown): TransformerError {
  const code = cause instanceof TransformerError ? cause.code : 'FILE_UNREADABLE';
  const message = `${mostFailures} shards one after the other failed on this machine, the last with: ${messageOf(cause)}`;
  return new TransformerError(code, message, { cause });
}

async function pause(time: number, signal: AbortSignal): Promise<void> {
  await unlessAborted(signal, () => delay(time, undefined, { signal }));
}

/** Undefined where the signal ended it. */
async function unlessAborted<T>(
  signal: AbortSignal,
  call: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (!signal.aborted) throw error;
    return undefined;
  }
}
