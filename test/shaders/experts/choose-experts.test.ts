// Experts that scores and biases choose, and the gradients of their shares, against float64.
import { test } from 'vitest';
import { routeBySigmoid } from '../../../src/shaders/experts/choose-experts.ts';
import { gradients } from '../../../src/runtime/gradient.ts';
import { gradientRules } from '../../../src/shaders/gradients.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const cases = [
  { tokens: 1, experts: 7, chosen: 3, scale: 1, bias: true, amongChosen: true },
  { tokens: 37, experts: 5, chosen: 5, scale: 2.5, bias: true, amongChosen: false },
  { tokens: 19, experts: 131, chosen: 4, scale: 0.7, bias: false, amongChosen: true },
  { tokens: 67, experts: 33, chosen: 1, scale: 1.8, bias: true, amongChosen: true },
  // All scores round to 0.
  { tokens: 3, experts: 6, chosen: 2, scale: 1, bias: true, amongChosen: true, offset: -120 },
];

for (const { name, options } of await testGpus()) {
  test(`experts by scores and biases, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, { tokens, experts, offset = 0, ...given }] of cases.entries()) {
        const random = new Random(60 + i);
        // Equal scores among them.
        const logits = random
          .values(tokens * experts, { outliers: 0 })
          .map((v) => Math.round(4 * v) / 2 + offset);
        const own = random.values(experts, { outliers: 0 }).map((v) => Math.round(4 * v) / 8);
        await expectOperation(
          gpu,
          (bench) => {
            const wanted = bench.input('logits', [1, tokens, experts], logits);
            const { shares, starts, order } = routeBySigmoid(wanted, {
              ...given,
              scores: 'sigmoid',
              bias: given.bias ? bench.input('bias', [experts], own) : undefined,
            });
            const slopes = random.values(tokens * given.chosen, { outliers: 0 });
            const seeds = new Map([[shares, bench.input('d shares', shares.shape, slopes)]]);
            const found = gradients(bench.recording, seeds, [wanted], gradientRules);
            return [shares, starts, order, ...found.values()];
          },
          { seed: 60 + i, training: true },
        );
      }
    }));
}
