// Metrics of tasks beside scikit-learn, seqeval, SciPy, SQuAD's script, jiwer and pycocotools. The README of the fixtures says which.
import { expect, test } from 'vitest';
import {
  averagePrecision,
  classification,
  correlation,
  entities,
  squad,
  wordErrorRate,
} from '../../src/metrics/index.ts';
import { readFixtureJson } from '../support/fixture.ts';
import { expectRejection } from '../support/rejection.ts';

interface Case {
  readonly predictions?: unknown;
  readonly hypotheses?: unknown;
  readonly references?: unknown;
  readonly labels?: unknown;
  readonly expected: Readonly<Record<string, number>>;
}

type Metric = (told: unknown, right: unknown) => unknown;
const metrics = {
  averagePrecision,
  classification,
  correlation,
  entities,
  squad,
  wordErrorRate,
} as unknown as Record<string, Metric>;
const fixture = (await readFixtureJson('task_metrics.json')) as Record<string, Case[]>;

test.each(Object.keys(metrics))('%s is as the reference has it', (name) => {
  expect(fixture[name]!.length).toBeGreaterThan(4);
  for (const { predictions, hypotheses, references, labels, expected } of fixture[name]!) {
    const score = metrics[name]!(predictions ?? hypotheses, references ?? labels);
    expect(Object.keys(score as object).toSorted()).toEqual(Object.keys(expected).toSorted());
    for (const [key, value] of Object.entries(expected)) {
      // Sums of at most 60 terms in float64.
      const off = Math.abs((score as Record<string, number>)[key]! - value);
      expect({ key, value, off: off > 1e-12 }).toEqual({ key, value, off: false });
    }
  }
});

test('boxes without any object to find have no precision', () => {
  const box = { xmin: 0, ymin: 0, xmax: 1, ymax: 1 };
  const none = { map: NaN, map50: NaN, map75: NaN, total: 0 };
  expect(averagePrecision([[{ label: 'cat', score: 1, box }]], [[]])).toEqual(none);
});

test('numbers that are all the same go with none', () => {
  expect(correlation([0.1, 0.1, 0.1], [1, 2, 3])).toEqual({ pearson: NaN, spearman: NaN });
});

test('a word error rate compares what normalize makes of both sides', () => {
  const normalize = (text: string): string => text.toLowerCase().replaceAll(/[.,]/g, '');
  expect(wordErrorRate(['Fail, better.'], ['fail better'], { normalize }).errors).toBe(0);
  expect(wordErrorRate(['Fail, better.'], ['fail better']).errors).toBe(2);
});

test('what cannot be compared is refused by its place', async () => {
  const refused = (
    name: string,
    told: unknown,
    right: unknown,
    ...parts: string[]
  ): Promise<void> =>
    expectRejection(() => metrics[name]!(told, right), 'INPUT_INVALID', `${name}: `, ...parts);
  const hole: unknown[] = [];
  hole[1] = 1;
  await refused('classification', [1, 2], [1], '2 predictions and 1 labels');
  await refused('classification', [], [], 'no classes', 'Pass');
  await refused('classification', 'cat', ['cat'], 'predictions is a string', 'wanted an array');
  await refused('classification', hole, [1, 1], 'predictions[0] is missing');
  await refused('classification', [1], [NaN], 'labels[0] is not a number');
  const box = { xmin: 0, ymin: 0, xmax: 1, ymax: 1 };
  const found = { label: 0, score: 0.5, box };
  await refused('averagePrecision', [[found]], [], 'of 1 images', 'of 0; wanted');
  await refused('averagePrecision', [], [], 'no images', 'Pass');
  await refused('averagePrecision', [found], [[]], 'predictions[0] is an object', 'an array');
  await refused('averagePrecision', [[box]], [[]], 'predictions[0][0].label is missing');
  await refused('averagePrecision', [[{ label: 0, box }]], [[]], '[0][0].score is missing');
  const narrow = { label: 'a', box: { ...box, xmax: -1 } };
  await refused('averagePrecision', [[]], [[narrow]], 'references[0][0].box is', 'the least first');
  await refused('averagePrecision', [[]], [[{ label: 'a' }]], 'references[0][0].box is null');
  await refused('correlation', [1], [1], '1 predictions and 1 labels', 'at least two');
  await refused('correlation', [1, 2, 3], [1, 2], '3 predictions and 2 labels');
  await refused('correlation', [1, Infinity], [1, 2], 'predictions[1] is Infinity', 'finite');
  await refused('correlation', hole, [1, 2], 'predictions[0] is missing');
  await refused('entities', [['O']], [['O', 'O']], 'wanted as many of both');
  await refused('entities', [], [], 'no tags');
  await refused('entities', [['PER']], [['B-PER']], 'predictions[0][0] is "PER"', 'B-, I-');
  await refused('entities', ['O'], ['O'], 'predictions[0] is a string', 'wanted an array');
  await refused('entities', [['O']], [[7]], 'references[0][0] is 7');
  await refused('squad', ['a', 'b'], ['a'], '2 hypotheses and 1 references');
  await refused('squad', ['a'], [[]], 'references[0] is an empty array');
  await refused('wordErrorRate', ['a'], [['a', 'b']], 'several references');
  await refused('wordErrorRate', ['a'], [' '], 'no words');
});

test('a word error rate takes no other options', async () => {
  const options = { normalise: String } as object;
  const call = (): unknown => wordErrorRate(['a'], ['a'], options);
  await expectRejection(call, 'OPTION_UNKNOWN', '"normalize"');
  const wrong = (): unknown => wordErrorRate(['a'], ['a'], { normalize: 1 } as object);
  await expectRejection(wrong, 'OPTION_INVALID', 'normalize is 1');
});
