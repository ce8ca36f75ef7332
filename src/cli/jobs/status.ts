// webgpu-transformer jobs status: how far a queue is.

import type { Command } from '../command.ts';
import { noTexts, readOptions } from '../options.ts';
import { duration } from '../progress.ts';
import type { QueueState } from './queue-state.ts';
import { queueOptions, queuePlace, requireQueue } from './settings.ts';
import { ShardQueue } from './shard-queue.ts';

/** Dead shards that are printed. */
const printed = 10;

export const status: Command = {
  form: 'jobs status',
  summary:
    'queued shards by their state, their pace, the time that is left, and what the dead died of',
  options: queueOptions,
  examples: [{ call: 'jobs status' }, { call: 'jobs status --json' }],
  run,
};

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions(args, queueOptions);
  noTexts(positionals);
  const place = queuePlace(values);
  await using queue = await ShardQueue.open(place.queue, place.database);
  await requireQueue(queue);
  const state = await queue.state();
  if (values.json) console.log(JSON.stringify({ queue: queue.name, ...state }));
  else console.log(linesOf(state).join('\n'));
}

function linesOf(state: QueueState): string[] {
  const { waiting, running, retrying, done, dead, workers, deadShards } = state;
  const counts = Object.entries({ waiting, running, retrying, done, dead, workers });
  const width = Math.max(...counts.map(([, count]) => String(count).length));
  return [
    ...counts.map(([name, count]) => `${name.padEnd(9)} ${String(count).padStart(width)}`),
    paceOf(state),
    ...deadShards
      .slice(0, printed)
      .map(
        ({ input, tries, message }) =>
          `${input}\tdead after ${tries === 1 ? '1 try' : `${tries} tries`}\t${message}`,
      ),
    ...(dead > printed ? [`and ${dead - printed} more: --json names the first hundred`] : []),
  ];
}

function paceOf({ shardsPerMinute, rowsPerMinute, secondsLeft }: QueueState): string {
  if (shardsPerMinute === null) return 'nothing was done in the last 10 minutes';
  const left = secondsLeft === null || secondsLeft === 0 ? '' : `, ${duration(secondsLeft)} left`;
  return `${shardsPerMinute.toFixed(1)} shards and ${Math.round(rowsPerMinute ?? 0)} rows a minute${left}`;
}
