// npm run bench -- [--only TEXT] [--slow] [--rounds N] [--software NAME] [--json FILE]

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openGpu, type Software } from './adapters.ts';
import { cases } from './cases.ts';
import { compare, type Comparison, type Side, type Times } from './compare.ts';
import { printTable } from './table.ts';
import { timeTranslation } from './translation.ts';
import { compareTraining } from './training/compare.ts';
import { reportTraining, wrongTraining } from './training/report.ts';

const root = process.cwd();
/** A kernel whose result is further off than this is wrong, however fast. */
const mostError = 1e-3;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    slow: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    software: { type: 'string' },
    json: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  throw new RangeError(`--rounds is ${values.rounds}; wanted a whole number from 1.`);
}
if (values.software !== undefined && !/^(swiftshader|llvmpipe)$/.test(values.software)) {
  throw new RangeError(`--software is ${values.software}; wanted swiftshader or llvmpipe.`);
}

const software = values.software as Software | undefined;
const { gpu, flags } = await openGpu(software);
const { vendor, architecture, description, route, tier, subgroupSizes, features } = gpu.info;
const adapter = [vendor, architecture, description].filter((part) => part !== '').join(' ');
console.log(`${adapter} (${route}, ${tier} kernels)`);
console.log(
  `subgroups ${features.includes('subgroups') ? subgroupSizes.join(' to ') : 'not used'}; ` +
    `Dawn flags: ${flags.length > 0 ? flags.join(' ') : 'those of src/node/adapter.ts'}; ` +
    `Node ${process.version}; ${rounds} rounds, the two sides in turns\n`,
);

const comparisons: Comparison[] = [];
for (const make of cases) {
  const one = make();
  if ((one.slow === true && !values.slow) || !one.name.includes(values.only)) continue;
  comparisons.push(await compare(gpu, one, rounds));
}
if (comparisons.length > 0) reportKernels();

const translation =
  'translation'.includes(values.only) || values.only === ''
    ? await timeTranslation(gpu, root, rounds)
    : undefined;
if (translation !== undefined) {
  console.log(
    `translation, models/phrases: cold start to first token ${milliseconds(translation.coldStart)} ms`,
  );
  printTable(
    ['', 'tokens/s', 'min..max', 'first token ms', 'min..max', 'dispatches a step'],
    translation.batches.map(({ batch, tokensPerSecond, firstToken, dispatchesPerStep }) => [
      `batch ${batch}`,
      tokensPerSecond.median.toFixed(0),
      `${tokensPerSecond.min.toFixed(0)}..${tokensPerSecond.max.toFixed(0)}`,
      milliseconds(firstToken.median),
      range(firstToken),
      String(dispatchesPerStep),
    ]),
  );
}

// Only when asked for: it takes minutes on a software adapter, and the packages of bench/.
const training =
  values.only !== '' && 'train-step'.includes(values.only)
    ? await compareTraining(software, { rounds, root, slow: values.slow })
    : undefined;
if (training !== undefined) reportTraining(training);

if (values.json !== undefined) {
  const { info } = gpu;
  const run = { date: new Date().toISOString(), node: process.version, flags, rounds, info };
  const text = JSON.stringify({ ...run, comparisons, translation, training }, null, 2);
  writeFileSync(path.resolve(process.env['INIT_CWD'] ?? root, values.json), `${text}\n`);
}
gpu.dispose();

const wrong = comparisons
  .filter(({ ours, plain }) => Math.max(ours.error, plain.error) > mostError)
  .map(({ name }) => name)
  .concat(wrongTraining(training ?? []));
if (wrong.length > 0) console.error(`Wrong results: ${wrong.join('; ')}`);
process.exit(wrong.length > 0 ? 1 : 0);

function reportKernels(): void {
  printTable(
    ['', 'ours: ms', 'min..max', 'rate', 'error', 'plain: ms', 'min..max', 'error', 'ratio', 'CPU'],
    comparisons.map(({ name, work, ours, plain }) => [
      name,
      milliseconds(ours.wall.median),
      range(ours.wall),
      rateOf(work, ours),
      ours.error.toExponential(0),
      milliseconds(plain.wall.median),
      range(plain.wall),
      plain.error.toExponential(0),
      `${(plain.wall.median / ours.wall.median).toFixed(1)}×`,
      `${(plain.cpu.median / ours.cpu.median).toFixed(1)}×`,
    ]),
  );
  console.log(
    '\nms: median of one execution on the clock, many executions in one submission. ' +
      'rate: GFLOP/s or GB/s of the work that must be done.\nerror: largest of a sample against ' +
      'float64, relative to its largest value. ratio: plain / ours; CPU: the same of CPU time.\n',
  );
}

function milliseconds(value: number): string {
  return value < 10 ? value.toFixed(value < 0.1 ? 4 : 2) : value.toFixed(1);
}

function range({ min, max }: Times): string {
  return `${milliseconds(min)}..${milliseconds(max)}`;
}

function rateOf(work: Comparison['work'], { wall }: Side): string {
  const perSecond = ('flops' in work ? work.flops : work.bytes) / 1e6 / wall.median;
  return `${perSecond.toPrecision(3)} ${'flops' in work ? 'GFLOP/s' : 'GB/s'}`;
}
