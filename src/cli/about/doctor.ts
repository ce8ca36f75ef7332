// webgpu-transformer doctor: the adapters there are, the one in use, and whether every kernel
// computes right on it.

import { createRequire } from 'node:module';
import { Gpu, TransformerError } from '../../index.node.ts';
import { type Candidate, candidateLine, listCandidates } from '../../node/adapter.ts';
import { adapterLine } from '../adapter-line.ts';
import { formsLine } from './forms-line.ts';
import type { Command } from '../command.ts';
import { checkModelAt, checkPlace, modelLines } from './doctor-model.ts';
import {
  dtypeOption,
  flagOption,
  noTexts,
  readOptions,
  taskOptions,
  textOption,
} from '../options.ts';
import { matrixFeature } from '../../runtime/matrices.ts';
import type { Check } from '../../self-test/run-check.ts';
import { selfTest } from '../../self-test/self-test.ts';

/** Limits that decide how large a model or a batch may be. */
const limits = {
  'largest buffer': 'maxBufferSize',
  'largest binding': 'maxStorageBufferBindingSize',
} as const;

const options = {
  model: textOption('SOURCE', 'try a model, too, beside the result stored with it'),
  dtype: taskOptions.dtype,
  matrices: flagOption('try matrix units, too, which models use where they are asked to'),
  'write-check': flagOption('store the result of the model with its weights'),
  json: flagOption('print it as one JSON object'),
};

export const doctor: Command = {
  form: 'doctor [--model SOURCE]',
  summary: 'the adapters there are, and a self-test of every kernel on the one in use',
  details:
    'WEBGPU_TRANSFORMER_ADAPTER names another one to use. A stored result tells a driver that\n' +
    'computes wrong results from a library that does: write it where all checks pass.',
  options,
  examples: [{ call: 'doctor' }, { call: 'doctor --model DIR' }, { call: 'doctor --json' }],
  run,
};

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions(args, options);
  noTexts(positionals);
  const { json, matrices, model: place, 'write-check': write } = values;
  const dtype = dtypeOption(values.dtype);
  checkPlace(place, write);
  // Where Dawn is not installed there may be a navigator.gpu: then that is what there is.
  const candidates = await listCandidates().catch(() => []);
  using gpu = await Gpu.request(matrices ? { features: [matrixFeature] } : {});
  if (!json)
    for (const [label, value] of rows(gpu, candidates)) console.log(`${label.padEnd(16)} ${value}`);

  const start = performance.now();
  const checks = await selfTest(gpu);
  const seconds = (performance.now() - start) / 1000;
  const wrong = checks.filter(({ passed }) => !passed).length;
  const settings = { dtype, write: write && wrong === 0, quiet: json };
  const model = place === undefined ? undefined : await checkModelAt(place, gpu, settings);
  if (json)
    console.log(JSON.stringify({ ...told(gpu, candidates, checks), ...(model && { model }) }));
  else {
    console.log();
    const operations = new Set(checks.map(({ operation }) => operation));
    for (const one of operations) report(checks.filter(({ operation }) => operation === one));
    const summary = `${checks.length - wrong} of ${checks.length} checks passed`;
    console.log(`\n${summary} in ${seconds.toFixed(2)} s`);
    for (const line of model === undefined ? [] : modelLines(model)) console.log(line);
  }
  if (wrong === 0 && model?.problem !== undefined) {
    throw new TransformerError('VALIDATION_FAILED', model.problem);
  }
  if (wrong === 0) return;
  throw new TransformerError(
    'VALIDATION_FAILED',
    `${wrong} of ${checks.length} checks failed, so models would compute wrong results here. ` +
      'Update the graphics driver; if that does not help, please report the lines above.',
  );
}

function rows(gpu: Gpu, candidates: readonly Candidate[]): [string, string][] {
  const { features, subgroupSizes } = gpu.info;
  return [
    ...candidates.map((one, index): [string, string] => [
      index === 0 ? 'found' : '',
      candidateLine(one),
    ]),
    ['adapter', adapterLine(gpu)],
    ['features', features.length === 0 ? 'none' : features.toSorted().join(', ')],
    ['subgroups', features.includes('subgroups') ? subgroupSizes.join(' to ') : 'not used'],
    ['kernels', formsLine(gpu)],
    ...Object.entries(limits).map(([label, name]): [string, string] => [
      label,
      `${(gpu.device.limits[name] / 2 ** 20).toLocaleString('en-US')} MiB`,
    ]),
    ['software', `Node ${process.versions.node}, webgpu ${dawnVersion() ?? 'not installed'}`],
  ];
}

/** The same for programs. */
function told(gpu: Gpu, found: readonly Candidate[], checks: readonly Check[]): object {
  return {
    adapter: gpu.info,
    found,
    limits: Object.fromEntries(
      Object.values(limits).map((name) => [name, gpu.device.limits[name]]),
    ),
    versions: { node: process.versions.node, webgpu: dawnVersion() ?? null },
    checks,
  };
}

/** A line for an operation, then one for each of its checks that failed. */
function report(checks: readonly Check[]): void {
  const wrong = checks.filter(({ passed }) => !passed);
  const error = Math.max(...checks.map((check) => check.error));
  const count = checks.length === 1 ? '1 check' : `${checks.length} checks`;
  const kernels = [...new Set(checks.flatMap((check) => check.kernels))];
  const columns = [
    wrong.length === 0 ? '✓' : '✗',
    (checks[0]?.operation ?? '').padEnd(18),
    count.padEnd(9),
    `error ${Number.isFinite(error) ? error.toExponential(1) : '-'}`.padEnd(14),
    kernels.join(', '),
  ];
  console.log(columns.join(' '));
  for (const { name, reason, error: off } of wrong) {
    const what = reason ?? `is off by ${off.toExponential(1)} of the largest value`;
    console.log(`    ${name}: ${what.replaceAll('\n', '\n    ')}`);
  }
}

/** The version of the package that brings Dawn; it need not be there where `navigator.gpu` is. */
function dawnVersion(): string | undefined {
  try {
    const { version } = createRequire(import.meta.url)('webgpu/package.json') as {
      version: string;
    };
    return version;
  } catch {
    return undefined;
  }
}
