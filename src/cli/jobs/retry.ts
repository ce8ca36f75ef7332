// webgpu-transformer jobs retry: what was given up is tried again.

import type { Command } from '../command.ts';
import { flagOption, noTexts, readOptions } from '../options.ts';
import { queueOptions, queuePlace, requireQueue } from './settings.ts';
import { ShardQueue } from './shard-queue.ts';

const options = { ...queueOptions, quiet: flagOption('print nothing') };

export const retry: Command = {
  form: 'jobs retry',
  summary: 'puts dead shards back into their queue, with all their tries',
  options,
  examples: [{ call: 'jobs retry' }],
  run,
};

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions(args, options);
  noTexts(positionals);
  const place = queuePlace(values);
  await using queue = await ShardQueue.open(place.queue, place.database);
  await requireQueue(queue);
  const retried = await queue.retryDead();
  if (values.json) console.log(JSON.stringify({ queue: queue.name, retried }));
  else if (!values.quiet) console.log(`Put ${retried} back into "${queue.name}".`);
}
