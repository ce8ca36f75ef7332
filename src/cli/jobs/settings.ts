// What all commands of jobs take: which queue, and where it is kept.

import {
  type FlagOption,
  flagOption,
  type TextOption,
  textOption,
  UsageError,
} from '../options.ts';
import type { DatabaseSettings } from './connection.ts';

export const queueOptions: Readonly<Record<'queue' | 'database' | 'data', TextOption>> &
  Readonly<Record<'json', FlagOption>> = {
  queue: textOption('NAME', 'which queue (shards)'),
  database: textOption('URL', 'the PostgreSQL that it is in (DATABASE_URL, or one of its own)'),
  data: textOption('DIR', "the folder of one of its own (where the system keeps users' data)"),
  json: flagOption('print JSON'),
};

export const rootOption: TextOption = textOption(
  'DIR',
  'the folder that names of jobs begin in (.)',
);

/** Where a queue is. */
export interface QueuePlace {
  readonly queue: string;
  readonly database: DatabaseSettings;
}

/** @throws UsageError */
export function queuePlace(values: {
  readonly queue: string | undefined;
  readonly database: string | undefined;
  readonly data: string | undefined;
}): QueuePlace {
  const { queue = 'shards', database, data } = values;
  if (!/^\w[\w-]{0,63}$/.test(queue)) {
    throw new UsageError(
      `--queue is "${queue}"; wanted letters, digits, - and _, 64 of them at most.`,
    );
  }
  if (database !== undefined && data !== undefined) {
    throw new UsageError('--data is the folder of a database of its own. Leave out --database.');
  }
  if (data?.trim() === '') throw new UsageError('--data is blank; wanted a folder.');
  return { queue, database: { database, data } };
}

/** Refuses a queue that nobody has made. @throws UsageError */
export async function requireQueue(queue: {
  readonly name: string;
  exists(): Promise<boolean>;
}): Promise<void> {
  if (await queue.exists()) return;
  throw new UsageError(
    `There is no queue "${queue.name}" in this database. Make it with jobs create, or check --queue and --database.`,
  );
}
