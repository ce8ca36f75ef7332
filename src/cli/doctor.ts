// webgpu-transformer doctor: the adapter in use, and whether every kernel computes right on it.

import { createRequire } from 'node:module';
import { Gpu, TransformerError } from '../index.node.ts';
import { adapterLine } from './adapter-line.ts';
import { type Check, selfTest } from './self-test.ts';

/** Limits that decide how large a model or a batch may be. */
const limits = {
  'largest buffer': 'maxBufferSize',
  'largest binding': 'maxStorageBufferBindingSize',
} as const;

/** @throws TransformerError when a kernel is wrong on this device. */
export async function doctor(): Promise<void> {
  using gpu = await Gpu.request();
  const { features, subgroupSizes } = gpu.info;
  const rows: [string, string][] = [
    ['adapter', adapterLine(gpu)],
    ['features', features.length === 0 ? 'none' : features.toSorted().join(', ')],
    ['subgroups', features.includes('subgroups') ? subgroupSizes.join(' to ') : 'not used'],
    ...Object.entries(limits).map(([label, name]): [string, string] => [
      label,
      `${(gpu.device.limits[name] / 2 ** 20).toLocaleString('en-US')} MiB`,
    ]),
    ['software', `Node ${process.versions.node}, webgpu ${dawnVersion()}`],
  ];
  for (const [label, value] of rows) console.log(`${label.padEnd(16)} ${value}`);

  const start = performance.now();
  const checks = await selfTest(gpu);
  const seconds = (performance.now() - start) / 1000;
  console.log();
  const operations = new Set(checks.map(({ operation }) => operation));
  for (const one of operations) report(checks.filter(({ operation }) => operation === one));
  const wrong = checks.filter(({ passed }) => !passed).length;
  const summary = `${checks.length - wrong} of ${checks.length} checks passed`;
  console.log(`\n${summary} in ${seconds.toFixed(2)} s`);
  if (wrong === 0) return;
  throw new TransformerError(
    'VALIDATION_FAILED',
    `${wrong} of ${checks.length} checks failed, so models would compute wrong results here. ` +
      'Update the graphics driver; if that does not help, please report the lines above.',
  );
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

/** The version of the package that brings Dawn; it need not be there where Node has its own. */
function dawnVersion(): string {
  try {
    const { version } = createRequire(import.meta.url)('webgpu/package.json') as {
      version: string;
    };
    return version;
  } catch {
    return 'not installed';
  }
}
