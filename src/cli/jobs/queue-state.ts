// How far a queue is.

import { fieldOf } from '../../runtime/errors.ts';
import { redact } from '../../runtime/redact.ts';
import { type Connection, schema } from './connection.ts';

/** A shard that was given up. */
export interface DeadShard {
  readonly input: string;
  readonly message: string;
  readonly code: string | null;
  /** How often it was tried. */
  readonly tries: number;
}

/** Shards by their state, how fast they go, and how long it takes. */
export interface QueueState {
  readonly waiting: number;
  readonly running: number;
  /** Those that failed and will be tried again. */
  readonly retrying: number;
  readonly done: number;
  readonly dead: number;
  /** Processes that work on them. */
  readonly workers: number;
  /** Over the last ten minutes; null when nothing was done in them. */
  readonly shardsPerMinute: number | null;
  /** Rows of outputs that were written, not of those that were there. */
  readonly rowsPerMinute: number | null;
  /** Until nothing waits, at that pace; null when none is known. */
  readonly secondsLeft: number | null;
  /** The first of the dead. */
  readonly deadShards: readonly DeadShard[];
}

/** Dead shards that are named. */
const named = 100;

const counts = `
  WITH recent AS (
    SELECT *, count(*) OVER () AS shards FROM ${schema}.job
    WHERE name = $1 AND state = 'completed' AND completed_on > now() - interval '10 minutes'
  )
  SELECT
    count(*) FILTER (WHERE name = $1 AND state = 'created')::int AS waiting,
    count(*) FILTER (WHERE name = $1 AND state = 'active')::int AS running,
    count(*) FILTER (WHERE name = $1 AND state = 'retry')::int AS retrying,
    count(*) FILTER (WHERE name = $1 AND state = 'completed')::int AS done,
    count(*) FILTER (WHERE name = $2 AND state < 'active')::int AS dead,
    (SELECT count(*)::int FROM recent) AS recent,
    (SELECT sum((output ->> 'rows')::bigint)::float8 FROM recent) AS rows,
    (SELECT extract(epoch FROM now() - greatest(min(started_on), now() - interval '10 minutes'))::float8 FROM recent)
      AS seconds
  FROM ${schema}.job WHERE name IN ($1, $2)`;

/** Reads it. `dead`: the queue of dead letters. */
export async function stateOf(
  connection: Connection,
  name: string,
  dead: string,
): Promise<QueueState> {
  const [[row], instances, letters] = await Promise.all([
    connection.query(counts, [name, dead]),
    connection.boss.getInstances(),
    connection.boss.findJobs<unknown>(dead, { queued: true, limit: named }),
  ]);
  const number = (field: string): number => Number(row?.[field] ?? 0);
  const [waiting, running, retrying] = [number('waiting'), number('running'), number('retrying')];
  const minutes = number('seconds') / 60;
  const isKnown = number('recent') > 0 && minutes > 0;
  const pace = isKnown ? number('recent') / minutes : null;
  return {
    waiting,
    running,
    retrying,
    done: number('done'),
    dead: number('dead'),
    workers: instances.filter((one) => one.live && one.name === name).length,
    shardsPerMinute: pace,
    rowsPerMinute: isKnown ? number('rows') / minutes : null,
    secondsLeft: pace === null ? null : (60 * (waiting + running + retrying)) / pace,
    deadShards: letters.map(({ data, sourceOutput, sourceRetryCount }) => ({
      input: redact(String(fieldOf(data, 'input'))),
      // What pg-boss says itself stands in a field of its own.
      message: String(
        fieldOf(sourceOutput, 'message') ?? fieldOf(fieldOf(sourceOutput, 'value'), 'message'),
      ),
      code: (fieldOf(sourceOutput, 'code') as string | null | undefined) ?? null,
      tries: (sourceRetryCount ?? 0) + 1,
    })),
  };
}
