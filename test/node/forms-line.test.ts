// What `doctor` says of the kernels that a device gets, beside what it was opened with.
import { expect, test } from 'vitest';
import { formsLine } from '../../src/cli/about/forms-line.ts';
import { matrixGpus, testLimits, withGpu } from '../support/gpu.ts';

const wanted = {
  'software with subgroups': 'in registers, shared by subgroups of 4',
  'software with wide subgroups': 'in registers, four neighbours a load, rows shared by lanes',
  software: 'in registers, four neighbours a load',
  'gpu, default limits': 'in workgroup memory, rows by workgroups, products by tiles',
} as Record<string, string>;

for (const { name, options } of [...(await testLimits()), ...(await matrixGpus())]) {
  test(`the forms of kernels are told, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const { matrices } = gpu.info;
      const rows = gpu.info.features.includes('subgroups') ? 'subgroups of any size' : 'workgroups';
      const units = matrices && [matrices.M, matrices.N, matrices.K].join(' × ');
      const products = units ? `tiles, with weights of f16 by matrix units (${units})` : 'tiles';
      const gpuForms = `in workgroup memory, rows by ${rows}, products by ${products}`;
      expect(formsLine(gpu)).toBe(wanted[name] ?? gpuForms);
    }));
}
