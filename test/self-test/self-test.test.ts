// The self-test behind `doctor`: it must find this device right, see every operation, and notice
// when something is wrong.
import { expect, test } from 'vitest';
import { Gpu } from 'webgpu-transformer';
import { selfTest } from '../../src/self-test/self-test.ts';
import { allKernels } from '../../src/shaders/index.ts';
import { matrixGpus, testLimits, withGpu } from '../support/gpu.ts';

const withMatrices = await matrixGpus();
const gpus = [...(await testLimits()), ...withMatrices];

const ran = new Set<string>();
let hasSubgroups = false;

// Every pipeline of every tier, which a software driver takes its time over.
for (const { name, options } of gpus) {
  test(`every operation is checked, ${name}`, { timeout: 300_000 }, () =>
    withGpu(options, async (gpu) => {
      const checks = await selfTest(gpu);
      expect(checks.filter(({ passed }) => !passed)).toEqual([]);
      const operations = new Set(checks.map(({ operation }) => operation));
      const wanted = new Set(allKernels.map(({ operation }) => operation));
      expect([...operations].toSorted()).toEqual([...wanted].toSorted());
      expect(Math.max(...checks.map(({ error }) => error))).toBeGreaterThan(0);
      hasSubgroups ||= gpu.hasSubgroups;
      for (const { kernels } of checks) for (const one of kernels) ran.add(one);
    }),
  );
}

test('together the tiers above ran every kernel', () => {
  // Kernels that count on subgroups, most on such of four, or on matrix units, run only where there are some.
  const hasQuads = gpus.some(({ name }) => name.includes('with subgroups'));
  const hasWider = gpus.some(({ name }) => name.includes('with wide subgroups'));
  const wanted = allKernels.filter(({ name, subgroups, matrices }) => {
    if (matrices) return withMatrices.length > 0;
    // Asks for no subgroups, and is for adapters whose lanes are that wide.
    if (name === 'matmul-lanes') return hasWider;
    return !subgroups || (name.endsWith('-subgroups') ? hasSubgroups : hasQuads);
  });
  expect([...ran].toSorted()).toEqual(wanted.map(({ name }) => name).toSorted());
});

test('what cannot run is reported, check by check', async () => {
  const gpu = await Gpu.request();
  gpu.dispose();
  const checks = await selfTest(gpu);
  expect(checks.length).toBeGreaterThan(20);
  for (const { passed, reason } of checks) {
    expect(passed).toBe(false);
    expect(reason).toContain('disposed');
  }
});
