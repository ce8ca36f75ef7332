// A program for tests of crashes: trains the tiny model in a folder, from where it stopped, and saves
// after every step, until it is killed. Prints the number of each step that is saved.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Gpu } from '../../src/index.node.ts';
import { Trainer } from '../../src/training/index.ts';
import { tinyBatch, tinyModel } from './training.ts';

const [folder = ''] = process.argv.slice(2);
const model = await tinyModel(await Gpu.request());
const trainer = new Trainer(model, { learningRate: 0.01, seed: 5 });
if (existsSync(join(folder, 'training_state.safetensors'))) await trainer.restore(folder);
for await (const { step } of trainer.steps(tinyBatch)) {
  await trainer.save(folder);
  process.stdout.write(`${step}\n`);
}
