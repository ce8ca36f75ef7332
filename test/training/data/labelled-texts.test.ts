// Labelled texts as a batch: tokens as the tokenizer pairs and cuts them, labels by number or name.
import { expect, test } from 'vitest';
import { type LabelledText, labelledBatch, loadTokenizer } from 'webgpu-transformer/training';
import { expectRejection } from '../../support/rejection.ts';
import { memorySource } from '../../support/source.ts';
import { taskFiles } from '../../support/tasks.ts';

const tokenizer = await loadTokenizer(memorySource(await taskFiles('bert/nli')));
const labels = ['contradiction', 'neutral', 'entailment'];

test('texts and pairs are padded on the right, with the segments of pairs', () => {
  const [one, two] = [tokenizer.encoding('Marie'), tokenizer.encoding('Marie Curie', 'London')];
  const examples = [
    { text: 'Marie', label: 'neutral' },
    { text: 'Marie Curie', textPair: 'London', label: 0 },
  ];
  const length = two.ids.length;
  const fill = (row: number[]): number[] => [...row, ...Array<number>(length - row.length).fill(0)];
  expect(two.typeIds).toContain(1);
  expect(labelledBatch(tokenizer, examples, { labels })).toEqual({
    inputIds: [fill(one.ids), two.ids],
    attentionMask: [fill(one.ids.map(() => 1)), two.ids.map(() => 1)],
    tokenTypeIds: [fill(one.typeIds), two.typeIds],
    labels: [1, 0],
  });
});

test('texts alone have no segments, numbers and flags stay, and long texts are cut', () => {
  const value = labelledBatch(tokenizer, [{ text: 'Marie Curie', label: -0.5 }], { maxLength: 3 });
  const cut = tokenizer.encodingCut('Marie Curie', undefined, {
    maxLength: 3,
    truncate: 'longest',
  });
  expect(value).toEqual({ inputIds: [cut.ids], attentionMask: [[1, 1, 1]], labels: [-0.5] });
  const { labels: flags } = labelledBatch(tokenizer, [{ text: 'Marie', label: [0, 1, 1] }]);
  expect(flags).toEqual([[0, 1, 1]]);
});

test('what has no label that is known is refused by its place', async () => {
  const refused = (examples: unknown, ...parts: string[]): Promise<void> =>
    expectRejection(
      () => labelledBatch(tokenizer, examples as LabelledText[], { labels }),
      'INPUT_INVALID',
      ...parts,
    );
  const good = { text: 'Marie', label: 1 };
  await refused([], 'at least one labelled text');
  await refused('Marie', 'at least one labelled text');
  await refused([good, { text: 'Marie', label: 'maybe' }], 'example 1 is "maybe"', '"neutral"');
  await refused([{ text: 'Marie' }], 'label of example 0');
  await refused([{ text: 'Marie', label: Infinity }], 'label of example 0');
  await refused([{ text: 'Marie', label: [0, '1'] }], 'label of example 0');
  await refused([{ text: 7, label: 1 }], 'text is 7');
  await refused([{ ...good, textPair: null }], 'textPair is null');
  await refused([null], 'Example 0');
  const wrong = (options: object, code: 'OPTION_INVALID' | 'OPTION_UNKNOWN'): Promise<void> =>
    expectRejection(() => labelledBatch(tokenizer, [good], options), code);
  await wrong({ labels: 'neutral' }, 'OPTION_INVALID');
  await wrong({ labels: [1] }, 'OPTION_INVALID');
  await wrong({ maxLength: 0 }, 'OPTION_INVALID');
  await wrong({ max: 1 }, 'OPTION_UNKNOWN');
});
