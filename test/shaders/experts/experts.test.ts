// Experts: which see a token, their products in every format, and what they give together, against float64.
import { expect, test } from 'vitest';
import { TransformerError } from 'webgpu-transformer';
import { clampedGate } from '../../../src/shaders/experts/clamped-gate.ts';
import { expertMatmul } from '../../../src/shaders/experts/expert-matmul.ts';
import { mixExperts } from '../../../src/shaders/experts/mix-experts.ts';
import { route } from '../../../src/shaders/experts/route.ts';
import type { Dtype } from '../../../src/runtime/dtype.ts';
import { type Bench, expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

interface Case {
  readonly tokens: number;
  readonly experts: number;
  readonly chosen: number;
  readonly depth: number;
  readonly columns: number;
  readonly dtype?: Dtype;
  readonly bias?: boolean;
}

/** A whole network: routing, both products, the mixture. */
function network(bench: Bench, random: Random, given: Case): ReturnType<typeof mixExperts>[] {
  const { tokens, experts, chosen, depth, columns, dtype = 'f32', bias = false } = given;
  const drawn = (label: string, shape: readonly number[]) =>
    bench.input(
      label,
      shape,
      random.values(
        shape.reduce((a, b) => a * b, 1),
        { outliers: 0 },
      ),
    );
  const layer = (out: number, input: number) => ({
    weight: bench.recording.use(
      bench.weight(
        [experts * out, input],
        random.values(experts * out * input, { outliers: 0 }),
        dtype,
      ),
    ),
    bias: bias ? drawn('bias', [experts * out]) : undefined,
  });
  const x = drawn('x', [1, tokens, depth]);
  // Equal logits among them.
  const logits = random.values(tokens * experts, { outliers: 0 }).map((v) => Math.round(4 * v) / 2);
  const routes = route(bench.input('logits', [1, tokens, experts], logits), {
    chosen,
    amongChosen: bias,
  });
  const inner = expertMatmul(x, layer(2 * columns, depth), routes);
  const hidden = clampedGate(inner, { alpha: 1.702, limit: 0.75 });
  const outer = expertMatmul(hidden, layer(depth, columns), routes);
  return [mixExperts(outer, routes, x.shape, bias ? x : undefined)];
}

for (const { name, options } of await testGpus()) {
  test(`few and many tokens, formats and biases, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const cases: Case[] = [
        { tokens: 1, experts: 7, chosen: 3, depth: 13, columns: 5 },
        { tokens: 23, experts: 5, chosen: 2, depth: 70, columns: 11, bias: true },
        { tokens: 3, experts: 67, chosen: 4, depth: 9, columns: 4, bias: true },
        { tokens: 9, experts: 3, chosen: 3, depth: 34, columns: 17, dtype: 'f16' },
        { tokens: 6, experts: 4, chosen: 1, depth: 64, columns: 32, dtype: 'int4-32-f16' },
        {
          tokens: 5,
          experts: 4,
          chosen: 2,
          depth: 64,
          columns: 64,
          dtype: 'int8-64-f16',
          bias: true,
        },
      ];
      for (const [i, given] of cases.entries()) {
        await expectOperation(gpu, (bench) => network(bench, new Random(30 + i), given), {
          seed: 30 + i,
        });
      }
    }));
}

test('what does not fit together is refused', () =>
  withGpu({}, async (gpu) => {
    const error: unknown = await expectOperation(gpu, (bench) => {
      const x = bench.input('x', [1, 2, 6], new Float32Array(12));
      const routes = route(bench.input('logits', [2, 3], new Float32Array(6)), {
        chosen: 2,
        amongChosen: true,
      });
      return [expertMatmul(x, { weight: bench.weight([7, 6], new Float32Array(42)) }, routes)];
    }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TransformerError);
    expect(error).toMatchObject({ code: 'TENSOR_MISMATCH' });
  }));
