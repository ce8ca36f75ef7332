// The loss of labels in their order, and its gradient, against float64: labels that repeat, of unlike numbers, in
// sequences of unlike lengths; more places and steps than lanes; more steps than one dispatch goes through.
import { expect, test } from 'vitest';
import { placeNumbers, placesOf } from '../../../src/model/heads/ctc-places.ts';
import { gradients } from '../../../src/runtime/gradient.ts';
import { gradientRules } from '../../../src/shaders/gradients.ts';
import { ctcLoss } from '../../../src/shaders/loss/ctc-loss.ts';
import { expectOperation } from '../../support/check.ts';
import { rowFormOf, testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const gpus = await testGpus();

interface Shape {
  readonly steps: number;
  readonly columns: number;
  readonly blank: number;
  /** Labels that there is room for. */
  readonly room: number;
  /** Of each sequence: its labels, and the steps that are its own. */
  readonly sequences: readonly (readonly [labels: number, steps: number])[];
}

const shapes: readonly Shape[] = [
  {
    steps: 1,
    columns: 2,
    blank: 0,
    room: 1,
    sequences: [
      [1, 1],
      [0, 1],
    ],
  },
  {
    steps: 9,
    columns: 5,
    blank: 4,
    room: 4,
    sequences: [
      [3, 9],
      [0, 4],
      [4, 9],
      [2, 0],
    ],
  },
  {
    steps: 90,
    columns: 67,
    blank: 1,
    room: 41,
    sequences: [
      [41, 90],
      [5, 67],
    ],
  },
  {
    steps: 2800,
    columns: 3,
    blank: 0,
    room: 3,
    sequences: [
      [3, 2800],
      [2, 2603],
    ],
  },
];

for (const { name, options } of gpus) {
  test(`losses and gradients, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, { steps, columns, blank, room, sequences }] of shapes.entries()) {
        const random = new Random(800 + i);
        const batch = sequences.length;
        const labels = {
          rows: sequences.map(([count]) =>
            Array.from({ length: count }, () => (blank + random.integer(1, 2)) % columns),
          ),
          steps: sequences.map(([, own]) => own),
          room,
          count: 1,
        };
        const places = placesOf(room);
        const numbers = placeNumbers(labels, { places, columns, blank });
        const { outputs, kernels } = await expectOperation(
          gpu,
          (bench) => {
            const values = random.values(batch * steps * columns, { scale: 2 });
            const x = bench.input('x', [batch, steps, columns], values);
            const loss = ctcLoss(x, {
              classes: bench.input('classes', [batch, places], numbers.classes),
              sizes: bench.input('sizes', [batch, 2], numbers.sizes),
              links: bench.input('links', [batch, columns + places], numbers.links),
            });
            const dLoss = bench.input('d loss', [batch], random.values(batch));
            const found = gradients(bench.recording, new Map([[loss, dLoss]]), [x], gradientRules);
            return [loss, found.get(x)!];
          },
          { seed: 800 + i, training: true },
        );
        const [losses, dx] = outputs;
        sequences.forEach(([, own], sequence) => {
          if (own === 0) expect(Math.abs(losses![sequence]!)).toBe(0);
          const first = (sequence * steps + own) * columns;
          const behind = dx!.subarray(first, (sequence + 1) * steps * columns);
          expect(behind.every((value) => Math.abs(value) === 0)).toBe(true);
        });
        const runs = kernels.filter(({ kernel }) => kernel.name === 'ctc-paths');
        expect(runs).toHaveLength(steps > 2700 ? 4 : 2);
        const suffix = rowFormOf(gpu);
        expect(kernels.map(({ kernel }) => kernel.name)).toContain(`ctc-loss-backward-${suffix}`);
      }
    }));
}
