// Rows of any length through a model: order, batches, padding, and the scores that come of it.
import { expect, test } from 'vitest';
import { eachText, inBatches, padRows, type TokenRow } from '../../src/tasks/batches.ts';
import { greatest, sigmoid, softmax } from '../../src/tasks/scores.ts';
import { textClassification } from '../../src/tasks/text/text-classification.ts';
import { Random } from '../support/random.ts';
import { expectRejection } from '../support/rejection.ts';
import { cpuParts } from '../support/tasks.ts';

function rowOf(length: number): TokenRow {
  return { ids: Array<number>(length).fill(length) };
}

test('rows of about one length share a batch, and results keep the order of the rows', async () => {
  const rows = [3, 9, 1, 8, 2, 40, 8, 9].map(rowOf);
  const batches: number[][] = [];
  const results = await inBatches(rows, { tokens: 30 }, async (batch) => {
    batches.push(batch.map(({ ids }) => ids.length));
    return batch.map(({ ids }) => ids.length);
  });
  expect(results).toEqual([3, 9, 1, 8, 2, 40, 8, 9]);
  // A row above the budget stands alone; nothing else exceeds it.
  expect(batches).toEqual([[40], [9, 9, 8], [8, 3, 2], [1]]);
  const two: number[] = [];
  await inBatches(rows, { tokens: 1000, rows: 3 }, async (batch) => {
    two.push(batch.length);
    return batch.map(() => 0);
  });
  expect(two).toEqual([3, 3, 2]);
  expect(await inBatches([], { tokens: 1 }, async () => [1])).toEqual([]);
});

test('more rows than a call has room for arguments', async () => {
  const parts = await cpuParts('bert/multi');
  const rows = Array.from({ length: 200_000 }, () => rowOf(1));
  expect(padRows(parts, rows).inputIds).toHaveLength(200_000);
});

test('an abort stops between batches', async () => {
  const controller = new AbortController();
  let batches = 0;
  const work = inBatches(
    [4, 4, 4].map(rowOf),
    { tokens: 4, signal: controller.signal },
    async (batch) => {
      batches++;
      controller.abort();
      return batch.map(() => 0);
    },
  );
  await expectRejection(work, 'ABORTED');
  expect(batches).toBe(1);
});

test('padding stands behind the mask, on the side asked for', async () => {
  const parts = await cpuParts('bert/nli');
  const rows = [{ ids: [5, 6, 7], typeIds: [0, 1, 1] }, { ids: [8] }];
  expect(padRows(parts, rows)).toEqual({
    inputIds: [
      [5, 6, 7],
      [8, 0, 0],
    ],
    attentionMask: [
      [1, 1, 1],
      [1, 0, 0],
    ],
    tokenTypeIds: [
      [0, 1, 1],
      [0, 0, 0],
    ],
  });
  expect(padRows(parts, rows, 'left')).toMatchObject({
    inputIds: [
      [5, 6, 7],
      [0, 0, 8],
    ],
    attentionMask: [
      [1, 1, 1],
      [0, 0, 1],
    ],
  });
  // RoBERTa has one segment only, and counts positions by its own padding token.
  const roberta = padRows(await cpuParts('roberta/nli'), rows);
  expect(roberta).not.toHaveProperty('tokenTypeIds');
  expect(roberta.inputIds[1]).toEqual([8, 1, 1]);
});

test.each(['bert/nli', 'roberta/nli'])('batches change no score, %s', async (model) => {
  const parts = await cpuParts(model);
  const classify = textClassification(parts);
  const words = 'The film about the river was good but its ending was terrible'.split(' ');
  const texts = [3, 11, 1, 7, 12, 2].map((count) => words.slice(0, count).join(' '));
  const together = await classify(texts, { topK: 3 });
  expect(parts.model.batches).toHaveLength(1);
  for (const [index, text] of texts.entries()) {
    const alone = await classify(text, { topK: 3 });
    for (const [at, { label, score }] of alone.entries()) {
      expect(together[index]![at]!.label).toBe(label);
      expect(Math.abs(together[index]![at]!.score - score)).toBeLessThan(1e-6);
    }
  }
});

test('a signal stops a long list of texts, and others get their turn', async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 5);
  let worked = 0;
  const texts = Array.from({ length: 1_000_000 }, () => 'a text of some words');
  const work = eachText(texts, controller.signal, (text) => {
    worked++;
    return text.split(' ').toSorted().join(' ');
  });
  await expectRejection(work, 'ABORTED');
  expect(worked).toBeGreaterThan(0);
  expect(worked).toBeLessThan(texts.length);
  expect(await eachText(['b', 'a'], undefined, async (text, index) => text + index)).toEqual([
    'b0',
    'a1',
  ]);
});

test('rows without tokens may be any number', async () => {
  const parts = await cpuParts('bert/nli');
  const rows = Array.from({ length: 150_000 }, () => ({ ids: [] }));
  expect(padRows(parts, rows).inputIds).toHaveLength(rows.length);
});

test('a text far longer than the model reads is cut or refused, and little of it is tokenized', async () => {
  const parts = await cpuParts('bert/nli');
  const classify = textClassification(parts);
  const text = 'The film was good. '.repeat(20_000);
  await expectRejection(classify(text), 'INPUT_INVALID', 'positions. Shorten it.');
  const { maxPositions } = parts.model;
  const [whole] = parts.tokenizer.encodingWindows(text, undefined, { maxLength: maxPositions });
  await classify(text, { truncation: true });
  expect(parts.model.batches.at(-1)).toEqual([1, whole!.ids.length]);
});

test('softmax, sigmoid and the greatest scores', () => {
  expect(softmax([1000, 1000])).toEqual([0.5, 0.5]);
  expect(softmax([0, -Infinity, Math.log(3)])[2]).toBeCloseTo(0.75, 12);
  expect(sigmoid(0)).toBe(0.5);
  const random = new Random(5);
  const scores = Array.from({ length: 200 }, () => Math.floor(random.next() * 40));
  const sorted = scores.map((_, i) => i).toSorted((a, b) => scores[b]! - scores[a]! || a - b);
  for (const count of [1, 7, 200, 300]) {
    expect(greatest(scores, count)).toEqual(sorted.slice(0, count));
  }
});
