// Gates of each column and of each head.
import { expect, test } from 'vitest';
import { TransformerError } from 'webgpu-transformer';
import { gradients } from '../../../src/runtime/gradient.ts';
import { gradientRules } from '../../../src/shaders/gradients.ts';
import { openHeads } from '../../../src/shaders/attention/heads/open-heads.ts';
import { type Bench, expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const build = (tokens: number, columns: number, gates: number) => (bench: Bench) => {
  const random = new Random(columns);
  const values = (label: string, size: number) =>
    bench.input(label, [1, tokens, size], random.values(tokens * size));
  const [x, gate] = [values('x', columns), values('gate', gates)];
  const y = openHeads(x, gate);
  const seeds = new Map([[y, values('dy', columns)]]);
  return [y, ...gradients(bench.recording, seeds, [x, gate], gradientRules).values()];
};

for (const { name, options } of await testGpus()) {
  test(`each column, and each head, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [tokens, columns, gates] of [
        [1, 1, 1],
        [7, 33, 33],
        [5, 42, 6],
      ] as const) {
        await expectOperation(gpu, build(tokens, columns, gates), { training: true });
      }
    }));
}

test('gates that do not go evenly are refused', () =>
  withGpu({}, async (gpu) => {
    await expect(expectOperation(gpu, build(2, 6, 4))).rejects.toThrow(TransformerError);
  }));
