// The ways in which a layer puts its sub-layers together, and the named points on them: seeing one changes
// nothing, and what is put in a tensor's place goes on from there.

import { expect, test } from 'vitest';
import {
  type Block,
  parallel,
  postNorm,
  preNorm,
  sandwichNorm,
  type Sublayer,
} from '../../../src/model/layers/block.ts';
import { type Points, Probe } from '../../../src/runtime/points.ts';
import type { Tensor } from '../../../src/runtime/tensor.ts';
import { matmul } from '../../../src/shaders/matmul/matmul.ts';
import { scale } from '../../../src/shaders/elementwise/scale.ts';
import { Bench, expectOperation } from '../../support/check.ts';
import { withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';
import { normalize } from '../../../src/shaders/rows/norm.ts';

const [rows, width] = [3, 8];
const blocks: Readonly<Record<string, Block>> = { postNorm, preNorm, sandwichNorm, parallel };

/** x and two sub-layers, each a norm and one matrix. */
function parts(bench: Bench): { x: Tensor; first: Sublayer; second: Sublayer } {
  const random = new Random(11);
  const draw = (label: string, ...shape: number[]): Tensor => {
    const size = shape.reduce((product, length) => product * length, 1);
    return bench.input(label, shape, random.values(size, { outliers: 0 }));
  };
  const x = draw('x', 1, rows, width);
  const sublayer = (name: string): Sublayer => {
    const weight = draw(`${name} weight`, width, width);
    return {
      name,
      norm: { weight: draw(`${name} norm`, width), bias: draw(`${name} bias`, width), eps: 1e-3 },
      apply: (h, residual) => matmul(h, weight, { residual }),
    };
  };
  return { x, first: sublayer('first'), second: sublayer('second') };
}

async function listOf(block: Block, points?: Points): Promise<string[]> {
  let list: string[] = [];
  await withGpu({}, async (gpu) => {
    const bench = new Bench(gpu, points && { points });
    const { x, first, second } = parts(bench);
    block(x, [first, second]);
    list = bench.recording.describe().split('\n');
    bench.dispose();
  });
  return list;
}

/** Plays what `build` records beside its references. */
async function play(
  build: (bench: Bench) => readonly Tensor[],
  points?: Points,
): Promise<readonly (readonly number[])[]> {
  let results: readonly (readonly number[])[] = [];
  await withGpu({}, async (gpu) => {
    const { outputs } = await expectOperation(gpu, build, points && { points });
    results = outputs.map((values) => [...values]);
  });
  return results;
}

function expectNear(got: readonly number[] = [], wanted: readonly number[] = []): void {
  expect(got).toHaveLength(wanted.length);
  for (const [i, value] of wanted.entries()) expect(got[i]).toBeCloseTo(value, 4);
}

test('in parallel, all sub-layers see what the layer was given', async () => {
  const [all, one = [], other = [], x = []] = await play((bench) => {
    const given = parts(bench);
    const { first, second } = given;
    return [
      parallel(given.x, [first, second]),
      preNorm(given.x, [first]),
      preNorm(given.x, [second]),
      scale(given.x, 2),
    ];
  });
  expectNear(
    all,
    x.map((twice, i) => one[i]! + other[i]! - twice / 2),
  );
});

test('in parallel, sub-layers with one norm share what it computes', () =>
  withGpu({}, async (gpu) => {
    const bench = new Bench(gpu);
    const { x, first, second } = parts(bench);
    parallel(x, [first, { ...second, norm: first.norm }]);
    const kernels = bench.recording.dispatches.map(({ kernel }) => kernel.operation);
    bench.dispose();
    expect(kernels).toEqual(['layer-norm', 'matmul', 'matmul']);
  }));

for (const [name, block] of Object.entries(blocks)) {
  test(`points that nobody asks for cost nothing, ${name}`, async () => {
    expect(await listOf(block, new Probe(['third.output']))).toEqual(await listOf(block));
  });

  test(`what a sub-layer computes can be seen, ${name}`, async () => {
    const probe = new Probe(['second.output']);
    const build = (bench: Bench): Tensor => {
      const { x, first, second } = parts(bench);
      return block(x, [first, second]);
    };
    const [y, seen] = await play(
      (bench) => [build(bench), ...probe.tensors(['second.output'])],
      probe,
    );
    expectNear(y, (await play((bench) => [build(bench)]))[0]);
    expect(seen).toHaveLength(rows * width);
  });

  test(`what is put in its place goes on from there, ${name}`, async () => {
    const nothing: Points = {
      has: (path) => path === 'second.output',
      visit: (_, tensor) => scale(tensor, 0),
    };
    const [y, wanted] = await play((bench) => {
      const { x, first, second } = parts(bench);
      const without = block(x, [first]);
      return [
        block(x, [first, second]),
        block === postNorm ? normalize(without, second.norm) : scale(without, 1.5),
      ];
    }, nothing);
    const factor = block === postNorm ? 1 : 1.5;
    expectNear(
      y?.map((value) => value * factor),
      wanted,
    );
  });
}
