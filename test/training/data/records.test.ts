// Rows of files in every form that people have them in, and what is wrong with a file, by its line.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readRecords, type RecordFormat, type RecordOptions } from 'webgpu-transformer/training';
import { expectRejection } from '../../support/rejection.ts';

const folder = await mkdtemp(join(tmpdir(), 'records-'));
afterAll(() => rm(folder, { recursive: true }));

const rows = [
  { text: 'a "b", c', label: 'x' },
  { text: 'two\nlines', label: 'é😀' },
];

test.each([
  ['rows.jsonl', rows.map((row) => JSON.stringify(row)).join('\n\n'), rows],
  ['rows.ndjson', `${JSON.stringify(rows[0])}\r\n`, rows.slice(0, 1)],
  ['rows.json', JSON.stringify(rows), rows],
  ['rows.csv', 'text,label\r\n"a ""b"", c",x\r\n\r\n"two\nlines",é😀\r\n', rows],
  ['rows.tsv', 'text\tlabel\n"a ""b"", c"\tx\n"two\nlines"\té😀', rows],
  ['rows.txt', 'one\n\ntwo\n', [{ text: 'one' }, { text: 'two' }]],
])('%s', async (name, content, wanted) => {
  const file = join(folder, name);
  await writeFile(file, content);
  expect(await readRecords(file, { columns: ['text'] })).toEqual(wanted);
  const format = name.split('.').at(-1)!.replace('ndjson', 'jsonl').replace('txt', 'text');
  const options = { format } as RecordOptions;
  expect(await readRecords(new TextEncoder().encode(content), options)).toEqual(wanted);
  expect(await readRecords(new File([content], name))).toEqual(wanted);
});

test.each([
  ['{"a": 1}\n[2]', 'jsonl', ['line 2', '[2]']],
  ['{"a": 1}\n{"a"', 'jsonl', ['line 2']],
  ['{"a": 1}', 'json', ['list of objects']],
  ['a,b\n1,2\n3', 'csv', ['Row 2', '1 columns', 'names 2']],
  ['a,a\n1,2', 'csv', ['"a" twice']],
  ['\n \n', 'text', ['no rows']],
  ['a\tb\n1\t2', 'tsv', ['has no "text"', 'it has "a", "b"'], ['text']],
] as [string, RecordFormat, string[], string[]?][])(
  '%s as %s',
  (content, format, message, columns) =>
    expectRejection(
      readRecords(new TextEncoder().encode(content), { format, ...(columns && { columns }) }),
      'FILE_INVALID',
      ...message,
    ),
);

test('what says nothing of its form, and what is no text', async () => {
  await expectRejection(readRecords(new File(['a'], 'rows')), 'OPTION_INVALID', 'format', 'jsonl');
  await expectRejection(
    readRecords(new Uint8Array([0xff]), { format: 'text' }),
    'FILE_INVALID',
    'UTF-8',
  );
  const columns = [/text/] as never;
  await expectRejection(
    readRecords(new File(['a'], 'a.txt'), { columns }),
    'OPTION_INVALID',
    'columns',
    'a list of names',
  );
  await expectRejection(readRecords(join(folder, 'none.jsonl')), 'FILE_NOT_FOUND', 'none.jsonl');
});
