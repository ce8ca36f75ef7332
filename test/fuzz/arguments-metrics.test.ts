// Wrong arguments of the entry webgpu-transformer/metrics.
import { expect, test } from 'vitest';
import * as metrics from 'webgpu-transformer/metrics';
import { callables } from '../support/interface.ts';
import { expectRefused, type Way } from '../support/wrong-arguments.ts';

const { bleu, chrF, exactMatch, perplexity, rouge, sentenceBleu } = metrics;
const { classification, correlation, entities, squad, wordErrorRate } = metrics;
const texts = (): unknown[] => [['a b c', 'd'], ['a b', 'd'], {}];
const lists = (): unknown[] => [
  ['a b c', 'd'],
  [['a b', 'a'], ['d']],
];
const right = [texts, lists];

const box = { xmin: 1, ymin: 1, xmax: 2, ymax: 2 };
const ways: Readonly<Record<string, Way>> = {
  averagePrecision: {
    call: metrics.averagePrecision,
    right: [() => [[[{ label: 1, score: 0.5, box }]], [[{ label: 'a', box }]]]],
  },
  bleu: { call: bleu, right },
  chrF: { call: chrF, right },
  classification: {
    call: classification,
    right: [
      () => [
        [1, 2],
        [1, 1],
      ],
      () => [['a'], ['b']],
    ],
  },
  correlation: {
    call: correlation,
    right: [
      () => [
        [1, 2.5],
        [1, 1],
      ],
    ],
  },
  entities: { call: entities, right: [() => [[['B-PER', 'O']], [['O', 'O']]]] },
  exactMatch: { call: exactMatch, right },
  squad: { call: squad, right: right.map((make) => () => make().slice(0, 2)) },
  wordErrorRate: { call: wordErrorRate, right: [() => [['a b'], ['a c'], {}]] },
  perplexity: { call: perplexity, right: [() => [[{ loss: 1, tokens: 3 }]]] },
  rouge: { call: rouge, right },
  sentenceBleu: {
    call: sentenceBleu,
    right: [() => ['a b', 'a b', {}], () => ['a b', ['a b', 'c']]],
  },
};

const all = callables('src/metrics/index.ts');

test('every function has a case', () => {
  expect([...all.keys()].filter((name) => !name.includes('TransformerError')).toSorted()).toEqual(
    Object.keys(ways).toSorted(),
  );
});

test.each(Object.entries(ways))('%s', async (name, way) => {
  await expectRefused(all.get(name)!, way);
});
