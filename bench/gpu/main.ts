// A part of a run (scripts/gpu.mjs starts it): kernels or models. Each figure is written as it comes, a line of
// JSON each, so that what ends the part too early takes no figure with it.

import { appendFileSync } from 'node:fs';
import { openBench } from './device.ts';
import { kernels } from './kernels.ts';
import { type Figure, measure } from './measure.ts';
import { models } from './models.ts';
import { roofline } from './roofline.ts';

const [part = '', file = '', sizes] = process.argv.slice(2);
const isSmall = sizes === 'small';
const write = (entry: object): void => appendFileSync(file, `${JSON.stringify(entry)}\n`);

const bench = await openBench(part === 'kernels');
const { gpu } = bench;
write({ adapter: gpu.info });
const work: readonly { name: string; run: () => Promise<Figure> }[] =
  part === 'kernels'
    ? [...roofline(isSmall), ...kernels(isSmall)].map((one) => ({
        name: one.name,
        run: () => measure(bench, one, isSmall),
      }))
    : models(bench, isSmall).map((run, index) => ({ name: `model ${index}`, run }));
let failures = 0;
for (const { name, run } of work) {
  try {
    const figure = await run();
    write(figure);
    console.log(lineOf(figure));
  } catch (error) {
    failures++;
    const message = error instanceof Error ? error.message : String(error);
    write({ name, error: message });
    console.log(`${name}: FAILED, ${message}`);
  }
}
gpu.dispose();
process.exit(failures > 0 ? 1 : 0);

function lineOf({ name, milliseconds, gflops, gbPerSecond, error }: Figure): string {
  const rate = gflops ?? gbPerSecond;
  const unit = gflops === undefined ? 'GB/s' : 'GFLOP/s';
  return (
    `${name}: ${milliseconds.toPrecision(4)} ms` +
    (rate === undefined ? '' : `, ${rate.toPrecision(4)} ${unit}`) +
    (error === undefined ? '' : `, error ${error.toExponential(1)}`)
  );
}
