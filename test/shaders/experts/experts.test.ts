// Experts: which see a token, their products in every format, and what they give together, against float64.
import { expect, test } from 'vitest';
import { TransformerError } from 'webgpu-transformer';
import { gradients } from '../../../src/runtime/gradient.ts';
import type { Tensor } from '../../../src/runtime/tensor.ts';
import { gradientRules } from '../../../src/shaders/gradients.ts';
import { balanceLoss } from '../../../src/shaders/experts/balance-loss.ts';
import { clampedGate } from '../../../src/shaders/experts/clamped-gate.ts';
import { expertMatmul } from '../../../src/shaders/experts/expert-matmul.ts';
import { mixExperts } from '../../../src/shaders/experts/mix-experts.ts';
import { route } from '../../../src/shaders/experts/route.ts';
import type { Dtype } from '../../../src/runtime/dtype.ts';
import { type Bench, expectOperation } from '../../support/check.ts';
import { limitBuffers, testGpus, withGpu } from '../../support/gpu.ts';
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

interface Network {
  readonly output: Tensor;
  /** All that may have a gradient: weights do where they are stored in f32. */
  readonly wanted: readonly Tensor[];
}

/** A whole network: routing, both products, the mixture. */
function network(bench: Bench, random: Random, given: Case): Network {
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
  const router = bench.input('logits', [1, tokens, experts], logits);
  const routes = route(router, { chosen, amongChosen: bias });
  const layers = [layer(2 * columns, depth), layer(depth, columns)] as const;
  const inner = expertMatmul(x, layers[0], routes);
  const hidden = clampedGate(inner, { alpha: 1.702, limit: 0.75 });
  const outer = expertMatmul(hidden, layers[1], routes);
  const output = mixExperts(outer, routes, x.shape, bias ? x : undefined);
  const weights = dtype === 'f32' ? layers.map((each) => each.weight) : [];
  return {
    output,
    wanted: [x, router, ...weights, ...layers.flatMap((each) => each.bias ?? [])],
  };
}

/** The same, and all gradients. */
function trained(bench: Bench, random: Random, given: Case): Tensor[] {
  const { output, wanted } = network(bench, random, given);
  const count = given.tokens * given.depth;
  const dy = bench.input('dy', output.shape, random.values(count, { outliers: 0 }));
  const found = gradients(bench.recording, new Map([[output, dy]]), wanted, gradientRules);
  return [output, ...found.values()];
}

const cases: readonly Case[] = [
  { tokens: 1, experts: 7, chosen: 3, depth: 13, columns: 5 },
  { tokens: 23, experts: 5, chosen: 2, depth: 70, columns: 11, bias: true },
  { tokens: 3, experts: 67, chosen: 4, depth: 9, columns: 4, bias: true },
  { tokens: 9, experts: 3, chosen: 3, depth: 34, columns: 17, dtype: 'f16' },
  { tokens: 6, experts: 4, chosen: 1, depth: 64, columns: 32, dtype: 'int4-32-f16' },
  // Many tokens an expert, past the edges of its tiles.
  { tokens: 67, experts: 3, chosen: 2, depth: 39, columns: 18, bias: true },
  { tokens: 43, experts: 2, chosen: 1, depth: 64, columns: 32, dtype: 'int4-32-f16' },
  { tokens: 5, experts: 4, chosen: 2, depth: 64, columns: 64, dtype: 'int8-64-f16', bias: true },
];

for (const { name, options } of await testGpus()) {
  test(`few and many tokens, formats and biases, and all gradients, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, given] of cases.entries()) {
        const build = (bench: Bench): Tensor[] => trained(bench, new Random(30 + i), given);
        await expectOperation(gpu, build, { seed: 30 + i, training: true });
      }
    }));

  test(`tokens that are many an expert share tiles, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const few = { tokens: 23, experts: 3, chosen: 1, depth: 9, columns: 4 };
      for (const [given, isTile] of [
        [few, false],
        [{ ...few, tokens: 24 }, gpu.tier === 'gpu'],
      ] as const) {
        const ran = new Set<string>();
        await expectOperation(gpu, (bench) => {
          const { output } = network(bench, new Random(5), given);
          for (const { kernel } of bench.recording.dispatches) ran.add(kernel.name);
          return [output];
        });
        expect(ran.has('expert-tile')).toBe(isTile);
      }
    }));

  test(`how evenly experts are used, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, [tokens, experts, chosen]] of (
        [
          [1, 3, 1],
          [67, 5, 2],
          [9, 131, 4],
        ] as const
      ).entries()) {
        const random = new Random(50 + i);
        const shape = [1, tokens, experts];
        const mask = Uint32Array.from({ length: tokens }, (_, row) => Number(row % 4 !== 1));
        const { outputs } = await expectOperation(
          gpu,
          (bench) => {
            const layers = [0, 1].map(() => {
              const values = random.values(tokens * experts, { outliers: 0 });
              const logits = bench.input('logits', shape, values);
              return { logits, experts: route(logits, { chosen, amongChosen: true }).experts };
            });
            const given = { mask: bench.input('mask', [1, tokens], mask), factor: 0.7 };
            const y = balanceLoss(layers, given);
            const seeds = new Map([[y, bench.input('dy', [1], Float32Array.of(1.5))]]);
            const wanted = layers.map(({ logits }) => logits);
            return [y, ...gradients(bench.recording, seeds, wanted, gradientRules).values()];
          },
          { seed: 50 + i, training: true },
        );
        // Experts that share tokens evenly have a loss of `chosen`.
        expect(outputs[0]![0]! / 0.7).toBeGreaterThan(0.9 * chosen);
      }
    }));

  test(`weights in parts, their gradients, and two runs that agree, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const given = { tokens: 13, experts: 5, chosen: 2, depth: 9, columns: 13, bias: true };
      const run = async (limit: number) => {
        limitBuffers(gpu, limit);
        const build = (bench: Bench): Tensor[] => trained(bench, new Random(40), given);
        return expectOperation(gpu, build, { seed: 40, training: true });
      };
      const [whole, again] = [await run(Infinity), await run(Infinity)];
      expect(again.outputs).toEqual(whole.outputs);
      // 130 rows of 9, which come in parts, and 45 of 13, which do not.
      const inParts = await run(4352);
      expect(inParts.kernels.length).toBeGreaterThan(whole.kernels.length);
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
