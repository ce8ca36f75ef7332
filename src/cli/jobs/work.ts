// webgpu-transformer jobs work: a worker on this machine.

import { stat } from 'node:fs/promises';
import { Gpu } from '../../index.node.ts';
import type { Command } from '../command.ts';
import { Interruption } from '../interruption.ts';
import {
  flagOption,
  noTexts,
  readOptions,
  textOption,
  UsageError,
  wholeOption,
} from '../options.ts';
import { queueOptions, queuePlace, requireQueue, rootOption } from './settings.ts';
import { ShardQueue } from './shard-queue.ts';
import { ShardRunner } from './shard-runner.ts';
import { work as workOn, type WorkedShard } from './worker.ts';

const options = {
  root: rootOption,
  stay: flagOption('wait for more when nothing is left'),
  grace: textOption('S', 'seconds that a shard may still take once the worker is to end (20)'),
  ...queueOptions,
  quiet: flagOption('print no progress, and nothing of the shards'),
};

export const work: Command = {
  form: 'jobs work',
  summary: 'works on queued shards until none is left',
  details:
    'Any number of workers may share a queue. SIGTERM and Ctrl-C let it end the shard that it has, or give it back. ' +
    'Files of jobs are read and written below --root alone.',
  options,
  examples: [
    { call: 'jobs work' },
    { call: 'jobs work --stay --root /data --database postgres://user@host/name' },
  ],
  run,
};

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions(args, options);
  noTexts(positionals);
  const place = queuePlace(values);
  const grace = 1000 * (wholeOption('--grace', values.grace) ?? 20);
  const { root = '.', stay: stays, json, quiet } = values;
  if ((await stat(root).catch(() => undefined))?.isDirectory() !== true) {
    throw new UsageError(`--root is "${root}"; wanted a folder.`);
  }
  using interruption = new Interruption();
  const { signal } = interruption;
  // A machine without one would fail all shards.
  using gpu = await Gpu.request({ recover: true });
  using runner = new ShardRunner({ root, gpu, quiet });
  const report = (message: string): void => console.error(message);
  await using queue = await ShardQueue.open(place.queue, place.database, { works: true, report });
  await requireQueue(queue);
  await workOn(queue, (job, until) => runner.run(job, until), {
    signal,
    grace,
    stays,
    report: (shard) => {
      if (!quiet) console.log(json ? JSON.stringify(shard) : lineOf(shard));
    },
  });
}

function lineOf({ input, status, output, rows, seconds, error, isDead }: WorkedShard): string {
  const time = `${seconds.toFixed(1)} s`;
  if (error !== undefined) {
    return `${input}\t${isDead === true ? 'dead' : 'failed'}\t${time}\t${error}`;
  }
  const counted = rows === undefined ? '' : `\t${rows} rows`;
  return `${input}\t${status}\t${time}${counted}${output === undefined ? '' : `\t${output}`}`;
}
