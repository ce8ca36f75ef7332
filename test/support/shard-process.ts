// A program for tests of crashes: the vectors of a shard, with a batch a row, until it is killed. Prints how many rows are
// through. Where a number of bytes is given, no file may be larger once the model is loaded.

import { spawnSync } from 'node:child_process';
import { pipeline } from '../../src/index.node.ts';
import { embedShard } from '../../src/jobs/index.ts';

const [model = '', shard = '', out = '', limit] = process.argv.slice(2);
const embed = await pipeline('embeddings', model);
await embed('the first call');
// Not before: drivers have files of their own.
if (limit !== undefined) {
  const { status } = spawnSync('prlimit', [`--pid=${process.pid}`, `--fsize=${limit}:`]);
  if (status !== 0) throw new Error('prlimit, of util-linux, sets no limit on files.');
}
await embedShard(embed, shard, out, {
  modelId: 'tiny@1',
  batchTokens: 1,
  window: 4,
  onProgress: ({ rows }) => process.stdout.write(`${rows}\n`),
});
process.exit(0);
