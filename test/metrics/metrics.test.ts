// Scores worked out by hand, most from the papers' own examples.
import { expect, test } from 'vitest';
import {
  bleu,
  chrF,
  exactMatch,
  perplexity,
  rouge,
  type RougeScore,
  sentenceBleu,
} from '../../src/metrics/index.ts';

test('BLEU clips the count of a word that is repeated (Papineni et al., section 2.1)', () => {
  const references = ['the cat is on the mat', 'there is a cat on the mat'];
  const { precisions, score } = bleu(['the the the the the the the'], [references], {
    smoothing: 'none',
  });
  expect(precisions[0]).toBeCloseTo((100 * 2) / 7, 12);
  expect(precisions.slice(1)).toEqual([0, 0, 0]);
  expect(score).toBe(0);
});

test('BLEU is the geometric mean of precisions times the brevity penalty', () => {
  // Of the 5 words of the hypothesis 4 match, of its 4 pairs 2 (a b, b c), of its triples 1, of its 2
  // quadruples none: half a match.
  const got = bleu(['a b c x d'], ['a b c d e f']);
  expect(got.brevityPenalty).toBeCloseTo(Math.exp(1 - 6 / 5), 14);
  const byHand = [4 / 5, 2 / 4, 1 / 3, 0.5 / 2];
  for (const [i, precision] of byHand.entries()) {
    expect(got.precisions[i]).toBeCloseTo(100 * precision, 12);
  }
  const product = (4 / 5) * (2 / 4) * (1 / 3) * (1 / 4);
  expect(got.score).toBeCloseTo(100 * Math.exp(-1 / 5) * product ** (1 / 4), 12);
  expect([got.hypothesisLength, got.referenceLength]).toEqual([5, 6]);
  expect(got.signature).toBe(
    'nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:webgpu-transformer',
  );
});

test('BLEU of a corpus sums counts; it is not the mean over sentences', () => {
  const texts = ['a b c d e', 'p q r s'];
  const wanted = ['a b c d e', 'p q x y'];
  const { precisions } = bleu(texts, wanted);
  expect(precisions[0]).toBeCloseTo((100 * 7) / 9, 12);
  expect(precisions[3]).toBeCloseTo((100 * 2) / 3, 12);
});

test('of references equally near in length the shorter one counts', () => {
  expect(bleu(['a b c d'], [['a b c d e', 'a b c']]).referenceLength).toBe(3);
  expect(bleu(['a b c d'], [['a b c', 'a b c d e']]).referenceLength).toBe(3);
  expect(bleu(['a b c d'], [['a b c d e', 'a']]).referenceLength).toBe(5);
});

test('a sentence of two words is scored by its 1-grams and 2-grams', () => {
  expect(sentenceBleu('good morning', 'good morning').score).toBe(100);
  expect(bleu(['good morning'], ['good morning']).score).toBe(0);
  expect(sentenceBleu('good morning', 'good morning', { effectiveOrder: false }).score).toBe(0);
});

test('equal texts have the greatest score exactly', () => {
  const texts = ['Quite the same, word for word: 1.5 km.', '猫坐在垫子上 😀 and so on'];
  expect(bleu(texts, texts).score).toBe(100);
  expect(chrF(texts, texts, { wordOrder: 2 }).score).toBe(100);
  expect(exactMatch(texts, texts)).toEqual({ score: 1, matches: 2, total: 2 });
  expect(rouge(texts, texts).rouge2).toEqual({ precision: 1, recall: 1, fmeasure: 1 });
});

test('chrF is the F-score of precision and recall averaged over orders', () => {
  // 1-grams: 2 of 2 and 2 of 3; 2-grams: 1 of 1 and 1 of 2. Means 1 and 7/12; F2 is 7/11.
  expect(chrF(['ab'], ['abc'], { charOrder: 2 }).score).toBeCloseTo((100 * 7) / 11, 12);
  expect(chrF(['a b'], ['ab\tc'], { charOrder: 2 }).score).toBeCloseTo((100 * 7) / 11, 12);
  // F1 of 1 and 7/12 is 14/19.
  expect(chrF(['ab'], ['abc'], { charOrder: 2, beta: 1 }).score).toBeCloseTo((100 * 14) / 19, 12);
});

test('chrF names its variant', () => {
  const name = (options: object): string => chrF(['a'], ['a'], options).name;
  expect(name({})).toBe('chrF2');
  expect(name({ wordOrder: 2 })).toBe('chrF2++');
  expect(name({ wordOrder: 1, beta: 3 })).toBe('chrF3+');
});

test('characters are code points: half of a surrogate pair matches nothing', () => {
  // U+1F600 and U+1F601 share their first UTF-16 unit.
  expect(chrF(['😀'], ['😁'], { charOrder: 1 }).score).toBe(0);
  expect(bleu(['😀😁'], ['😀😂'], { tokenizer: 'char' })).toMatchObject({
    hypothesisLength: 2,
    referenceLength: 2,
  });
});

test('ROUGE-L follows the order of words (Lin, section 3.1)', () => {
  const reference = 'police killed the gunman';
  const recall = (text: string): number => rouge([text], [reference]).rougeL.recall;
  expect(recall('police kill the gunman')).toBe(3 / 4);
  expect(recall('the gunman kill police')).toBe(2 / 4);
  expect(recall('the gunman police killed')).toBe(2 / 4);
});

test('ROUGE-L pairs each word once', () => {
  const { precision, recall } = rouge(['to be'], ['to to to']).rougeL;
  expect([precision, recall]).toEqual([1 / 2, 1 / 3]);
  expect(rouge(['to to to'], ['to be']).rougeL.precision).toBe(1 / 3);
});

test('the best reference of ROUGE is that of the greatest F-measure, not of the greatest recall', () => {
  const { rouge1 } = rouge(['a b c d'], [['a', 'a b c d e f g h']]);
  expect([rouge1.precision, rouge1.recall]).toEqual([1, 1 / 2]);
});

test('ROUGE averages over texts, and takes the best reference by each F-measure', () => {
  const { rouge1, rouge2 } = rouge(
    ['a b c d', 'x'],
    [
      ['a q', 'd c b a', 'a b'],
      ['y', 'z'],
    ],
  );
  expect(rouge1).toEqual({ precision: 1 / 2, recall: 1 / 2, fmeasure: 1 / 2 });
  // Of the pairs ab, bc, cd one is in "a b", which has no other: 1/3, 1 and F 1/2, over two texts.
  const halves: RougeScore = { precision: 1 / 6, recall: 1 / 2, fmeasure: 1 / 4 };
  for (const name of ['precision', 'recall', 'fmeasure'] as const) {
    expect(rouge2[name]).toBeCloseTo(halves[name], 15);
  }
});

test('ROUGE does not stem, and finds no words in Chinese unless given a tokenizer', () => {
  expect(rouge(['he walks'], ['he walked']).rouge1.fmeasure).toBe(1 / 2);
  expect(rouge(['猫坐着'], ['猫坐着']).rouge1.fmeasure).toBe(0);
  const tokenizer = (text: string): string[] => Array.from(text);
  expect(rouge(['猫坐着'], ['猫坐下'], { tokenizer }).rougeL.fmeasure).toBeCloseTo(2 / 3, 15);
});

test('tokens of a given tokenizer may hold spaces', () => {
  // As words joined by spaces the pairs would look the same.
  const tokenizer = (text: string): string[] => text.split('|');
  const { rouge1, rouge2 } = rouge(['a b|c'], ['a|b c'], { tokenizer });
  expect([rouge1.fmeasure, rouge2.fmeasure]).toEqual([0, 0]);
});

test('exact match compares all characters, with any one of the references', () => {
  const texts = ['Paris', 'paris ', '1789', 'é'];
  const wanted = ['Paris', 'paris', ['in 1789', '1789'], 'e\u0301'];
  expect(exactMatch(texts, wanted)).toEqual({ score: 1 / 2, matches: 2, total: 4 });
  const normalize = (text: string): string => text.trim().normalize('NFC');
  expect(exactMatch(texts, wanted, { normalize })).toEqual({ score: 1, matches: 4, total: 4 });
});

test('the perplexity of a uniform guess is the number of choices', () => {
  expect(perplexity([{ loss: Math.log(137), tokens: 5 }])).toBeCloseTo(137, 10);
  expect(perplexity([{ loss: 0, tokens: 1 }])).toBe(1);
});

test('perplexity weighs losses by their tokens', () => {
  const losses = [
    { loss: Math.log(2), tokens: 3 },
    { loss: Math.log(32), tokens: 1 },
  ];
  // (2·2·2·32)^(1/4) = 4; the mean of losses would give 8, the mean of perplexities 17.
  expect(perplexity(losses)).toBeCloseTo(4, 12);
});
