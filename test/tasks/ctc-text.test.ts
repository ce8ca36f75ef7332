// Labels of steps are read as Python's tokenizer reads them.
import { expect, test } from 'vitest';
import { collapse, ctcText, ctcWords, type TimedLabel } from '../../src/tasks/sound/ctc-text.ts';
import { readFixtureJson } from '../support/fixture.ts';

interface Expected {
  readonly vocabulary: Readonly<Record<string, number>>;
  readonly decoded: readonly {
    readonly tokenizer: { do_lower_case?: boolean; replace_word_delimiter_char?: string };
    readonly ids: readonly number[];
    readonly text: string;
    readonly chars: readonly unknown[];
    readonly words: readonly unknown[];
  }[];
}

test('texts, labels and words of steps', async () => {
  const { vocabulary, decoded } = (await readFixtureJson('sound/pipelines.json')) as Expected;
  const tokens = new Map(Object.entries(vocabulary).map(([token, id]) => [id, token]));
  const listed = (labels: readonly TimedLabel[]): unknown[] =>
    labels.map(({ text, start, end }) => [text, start, end]);
  for (const { tokenizer, ids, text, chars, words } of decoded) {
    const { do_lower_case: lowers = false, replace_word_delimiter_char: space = ' ' } = tokenizer;
    const meaning = { pad: '<pad>', delimiter: '|', space, lowers };
    const labels = collapse(
      ids.map((id) => tokens.get(id)!),
      meaning,
    );
    expect(ctcText(labels, meaning)).toBe(text);
    expect(listed(labels)).toEqual(chars);
    expect(listed(ctcWords(labels, meaning))).toEqual(words);
  }
});
