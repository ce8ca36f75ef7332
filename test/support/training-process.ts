// A program for tests of crashes: trains the tiny model in a folder, from where it stopped, and saves
// after every step, until it is killed. Prints the number of each step that is saved. Where a number of bytes
// is given, no file may be larger from its second save on.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Gpu } from '../../src/index.node.ts';
import { Trainer } from '../../src/training/index.ts';
import { tinyBatch, tinyModel } from './training.ts';

const [folder = '', limit] = process.argv.slice(2);
const model = await tinyModel(await Gpu.request());
const trainer = new Trainer(model, { learningRate: 0.01, seed: 5 });
if (existsSync(join(folder, 'training_state.safetensors'))) await trainer.restore(folder);
for await (const { step } of trainer.steps(tinyBatch)) {
  await trainer.save(folder);
  process.stdout.write(`${step}\n`);
  // Not before: drivers have files of their own.
  if (limit !== undefined) {
    const { status } = spawnSync('prlimit', [`--pid=${process.pid}`, `--fsize=${limit}:`]);
    if (status !== 0) throw new Error('prlimit, of util-linux, sets no limit on files.');
  }
}
