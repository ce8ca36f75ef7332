// When a run is over, by what was found of data that is not trained on.
import { expect, test } from 'vitest';
import {
  EarlyStopping,
  type EarlyStoppingOptions,
  type TaskMetrics,
} from 'webgpu-transformer/training';
import { expectRejection } from '../support/rejection.ts';

/** Which of these are the best so far. */
function best(options: EarlyStoppingOptions, values: readonly number[]): boolean[] {
  const stopping = new EarlyStopping(options);
  return values.map((value, i) => stopping.observe(i + 1, { [options.metric]: value }));
}

test('the best is the greatest, or the least of what is to fall', () => {
  expect(best({ metric: 'accuracy' }, [0.5, 0.4, 0.5, 0.6])).toEqual([true, false, false, true]);
  expect(best({ metric: 'loss' }, [0.5, 0.4, 0.4, 0.6])).toEqual([true, true, false, false]);
  expect(best({ metric: 'wordErrorRate' }, [1, 0.9])).toEqual([true, true]);
  expect(best({ metric: 'pearson' }, [NaN, -0.5, NaN, 0])).toEqual([false, true, false, true]);
});

test('better by less than minDelta does not count', () => {
  expect(best({ metric: 'chrF', minDelta: 1 }, [20, 20.9, 21.5])).toEqual([true, false, true]);
});

test('a run is over after as many evaluations without anything better', () => {
  const stopping = new EarlyStopping({ metric: 'loss', patience: 2 });
  const overAfter = [3, 2, 2.5, 1, 1, 1].map((loss, i) => {
    stopping.observe(10 * (i + 1), { loss });
    return stopping.isOver;
  });
  expect(overAfter).toEqual([false, false, false, false, false, true]);
  expect(stopping.best).toEqual({ step: 40, value: 1 });
  // Something better begins it anew, as where a run goes on.
  expect(stopping.observe(70, { loss: 0.5 })).toBe(true);
  expect(stopping.isOver).toBe(false);
});

test('without patience a run is never over', () => {
  const stopping = new EarlyStopping({ metric: 'loss' });
  for (let step = 1; step < 100; step++) stopping.observe(step, { loss: 1 });
  expect(stopping.isOver).toBe(false);
});

test('wrong settings and what lacks the metric are refused', async () => {
  const make = (options: object) => (): unknown =>
    new EarlyStopping(options as EarlyStoppingOptions);
  const metric = 'loss' as const;
  await expectRejection(make({ metric: 'bleu' }), 'OPTION_INVALID', 'metric', 'chrF');
  await expectRejection(make({ metric: 'toString' }), 'OPTION_INVALID', 'metric');
  await expectRejection(make({}), 'OPTION_INVALID', 'metric');
  await expectRejection(make({ metric, patience: 0 }), 'OPTION_INVALID', 'patience');
  await expectRejection(make({ metric, minDelta: -1 }), 'OPTION_INVALID', 'minDelta');
  await expectRejection(make({ metric, minDelta: '1' }), 'OPTION_INVALID', 'minDelta');
  await expectRejection(make({ metric, mode: 'min' }), 'OPTION_UNKNOWN', 'mode');
  const stopping = new EarlyStopping({ metric: 'f1' });
  const observe = (step: unknown, found: unknown) => (): unknown =>
    stopping.observe(step as number, found as TaskMetrics);
  await expectRejection(observe(1, { accuracy: 1 }), 'INPUT_INVALID', 'no f1', 'accuracy');
  await expectRejection(observe(1, null), 'INPUT_INVALID', 'What was found');
  await expectRejection(observe(-1, { f1: 1 }), 'OPTION_INVALID', 'step');
});
