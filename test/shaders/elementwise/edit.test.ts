// Edits of activations by rules, and attention from scores that were changed.
import { expect, test } from 'vitest';
import {
  attentionSteps,
  type AttentionSteps,
} from '../../../src/shaders/attention/attention-steps.ts';
import { edit } from '../../../src/shaders/elementwise/edit.ts';
import { type Bench, expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const [device] = await testGpus(); // all tiers share the kernels

const [batch, tokens, heads, size] = [2, 5, 3, 7];

/** What is kept, the factor, and some sequences, positions and heads. */
function rule(bench: Bench, label: string, positions: number): ReturnType<Bench['input']> {
  const flags = (count: number, one: number): number[] =>
    Array.from({ length: count }, (_, i) => Number(i % 2 === one));
  const all = [-0.5, 2, ...flags(batch, 1), ...flags(positions, 0), ...flags(heads, 0)];
  return bench.input(label, [all.length], Float32Array.from(all));
}

test('heads among other columns, whole rows, rows of heads; vectors and tensors; by places', () =>
  withGpu(device!.options, async (gpu) => {
    const random = new Random(5);
    await expectOperation(gpu, (bench) => {
      const dense = (label: string, ...shape: number[]) =>
        bench.input(label, shape, random.values(shape.reduce((a, b) => a * b, 1)));
      const rules = { sequences: batch, positions: tokens };
      const wide = dense('wide', batch, tokens, 4 + heads * size + 2);
      const columns = { first: 4, heads, headSize: size };
      const vector = { value: dense('vector', size), each: false };
      const tensor = { value: dense('tensor', batch, tokens, heads, size), each: true };
      const weights = dense('weights', batch, heads, tokens, size);
      const byHeads = { value: dense('of heads', batch, heads, tokens, size), each: true };
      // The places of three tokens; the last is behind all positions.
      const place = bench.input(
        'place',
        [batch, tokens, 2],
        Uint32Array.from(
          { length: 2 * batch * tokens },
          (_, i) => (i % 2) * ((i >> 1) % tokens) * 2,
        ),
      );
      const own = rule(bench, 'rule', tokens);
      const whole = bench.input(
        'of one head',
        [2 + 2 + tokens + 1],
        Float32Array.of(1, 3, 1, 1, 1, 0, 1, 0, 1, 1),
      );
      return [
        edit(wide, columns, { ...vector, ...rules, rule: own }),
        edit(wide, columns, { ...tensor, ...rules, rule: own }),
        edit(wide, columns, { ...vector, ...rules, rule: own, place }),
        edit(weights, undefined, { ...vector, ...rules, rule: own }),
        edit(weights, undefined, { ...byHeads, ...rules, rule: own }),
        edit(dense('x', batch, tokens, size), undefined, { ...vector, ...rules, rule: whole }),
      ];
    });
  }));

test.each([false, true])('attention from scores, with sinks: %s', (hasSinks) =>
  withGpu(device!.options, async (gpu) => {
    const random = new Random(6);
    const [queries, keys, group] = [5, 9, 2];
    const { outputs } = await expectOperation(gpu, (bench) => {
      const scores = random.values(batch * 4 * queries * keys, { outliers: 0 });
      // Keys that are not seen, and a query that sees none.
      scores.forEach((_, i) => {
        if (i % 4 === 1 || i < keys) scores[i] = -3.4028234663852886e38;
      });
      const v = bench.input(
        'v',
        [batch, keys, 2 * size + 3],
        random.values(batch * keys * (2 * size + 3)),
      );
      const sinks = hasSinks ? bench.input('sinks', [4], random.values(4)) : undefined;
      const steps: AttentionSteps = attentionSteps({
        tensor: v,
        start: 3,
        headSize: size,
        group,
        sinks,
      });
      const weights = steps.softmax(bench.input('scores', [batch, 4, queries, keys], scores));
      return [weights, steps.mix(weights)];
    });
    expect(outputs[0]!.subarray(0, keys).every((weight) => weight === 0)).toBe(true);
  }),
);
