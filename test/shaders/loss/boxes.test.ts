// Objects and the tokens that stand for them: every kernel against float64, and matchings against all there are.
import { expect, test } from 'vitest';
import { gradients } from '../../../src/runtime/gradient.ts';
import { gradientRules } from '../../../src/shaders/gradients.ts';
import { boxLoss } from '../../../src/shaders/loss/box-loss.ts';
import {
  boxCosts,
  matchBoxes,
  matchedLabels,
  type Objects,
} from '../../../src/shaders/loss/match-boxes.ts';
import { type Bench, expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const [device] = await testGpus(); // all tiers share the kernels

interface Case {
  readonly sizes: readonly number[];
  readonly queries: number;
  readonly columns: number;
  readonly room: number;
}

function drawn(bench: Bench, random: Random, { sizes, queries, columns, room }: Case) {
  const batch = sizes.length;
  const boxes = (label: string, count: number) =>
    bench.input(
      label,
      [batch, count, 4],
      random.values(4 * batch * count, { outliers: 0 }).map((x) => 0.1 + 0.8 / (1 + Math.exp(-x))),
    );
  const count = batch * queries * columns;
  const objects: Objects = {
    classes: bench.input('classes', [batch, room], random.indices(batch * room, columns - 1)),
    places: boxes('places', room),
    sizes: bench.input('sizes', [batch], Uint32Array.from(sizes)),
    shares: bench.input('shares', [2], Float32Array.of(0.3, 0.7)),
  };
  const logits = bench.input('logits', [batch, queries, columns], random.values(count));
  return { logits, boxes: boxes('boxes', queries), objects };
}

/** The least that an image's objects cost together, over all ways to give each a token of its own. */
function leastOf(costs: readonly (readonly number[])[], taken: readonly number[] = []): number {
  const [first, ...others] = costs;
  if (first === undefined) return 0;
  const each = first.flatMap((cost, token) =>
    taken.includes(token) ? [] : [cost + leastOf(others, [...taken, token])],
  );
  return Math.min(...each);
}

test.each<Case>([
  { sizes: [1], queries: 1, columns: 2, room: 1 },
  { sizes: [4, 0, 2], queries: 5, columns: 7, room: 4 },
  { sizes: [6, 5], queries: 6, columns: 3, room: 6 },
  { sizes: Array.from({ length: 67 }, (_, i) => i % 4), queries: 7, columns: 4, room: 3 },
])('$sizes.length images, $queries tokens, room for $room objects', (given) =>
  withGpu(device!.options, async (gpu) => {
    const { sizes, queries, room } = given;
    const by = { class: 1, box: 5, overlap: 2 };
    const { outputs } = await expectOperation(
      gpu,
      (bench) => {
        const random = new Random(queries);
        const { logits, boxes, objects } = drawn(bench, random, given);
        const costs = boxCosts(logits, boxes, objects, by);
        const matched = matchBoxes(logits, boxes, objects, by);
        const { label, weights } = matchedLabels(matched, objects, { nothing: 2, rest: 0.1 });
        const losses = boxLoss(boxes, matched, objects, { distance: 5, overlap: 2 });
        const dy = bench.input('dy', losses.shape, random.values(sizes.length * queries));
        const found = gradients(bench.recording, new Map([[losses, dy]]), [boxes], gradientRules);
        return [costs, matched, label, weights, losses, found.get(boxes)!];
      },
      { seed: queries, training: true },
    );
    const [costs, matched] = outputs;
    for (const [image, size] of sizes.entries()) {
      const rows = Array.from({ length: size }, (_, object) => {
        const first = (image * room + object) * queries;
        return [...costs!.subarray(first, first + queries)];
      });
      const own = [...matched!.subarray(image * (queries + 1) + 1, (image + 1) * (queries + 1))];
      const objects = own.filter((object) => object > 0);
      expect(objects.toSorted((a, b) => a - b)).toEqual(rows.map((_, object) => object + 1));
      const cost = rows.reduce((sum, row, object) => sum + row[own.indexOf(object + 1)]!, 0);
      expect(cost).toBeCloseTo(leastOf(rows), 5);
    }
  }),
);
