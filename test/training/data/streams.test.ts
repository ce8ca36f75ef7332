// Rows as they come, without the whole: the same as those of files, in drawn orders that a run takes up again, packed.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import {
  type DataRecord,
  packExamples,
  packStream,
  readRecords,
  type RecordFormat,
  shuffledStream,
  streamRecords,
} from 'webgpu-transformer/training';
import { expectRejection } from '../../support/rejection.ts';

const folder = await mkdtemp(join(tmpdir(), 'streams-'));
afterAll(() => rm(folder, { recursive: true }));

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** A stream of bytes, so many at once. */
function streamOf(content: string, size: number): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(content);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.subarray(at, (at += size)));
    },
  });
}

const contents: readonly (readonly [RecordFormat, string])[] = [
  ['jsonl', '\ufeff{"text": "é😀"}\r\n\n{"text": "two"}'],
  ['csv', 'text,label\r\n"a ""b"", c",x\r\n\r\n"two\r\nlines, ""\n""",é😀\r\n5" wide,y\n"",""\n'],
  ['tsv', 'text\tlabel\n"a\tb"\tx\n\n"two\n\nlines"\té😀'],
  ['text', 'one\r\n\n  two é😀 \n'],
];

test.each(contents)('%s: the same rows, whatever the pieces', async (format, content) => {
  const wanted = await readRecords(new TextEncoder().encode(content), { format });
  expect(wanted.length).toBeGreaterThan(1);
  for (const size of [1, 3, 7, 1000]) {
    expect(await all(streamRecords(streamOf(content, size), { format }))).toEqual(wanted);
  }
});

test('rows of texts, responses, files, addresses and paths', async () => {
  const content = '{"a":1}\n{"a":2}\n';
  const wanted = [{ a: 1 }, { a: 2 }];
  const file = join(folder, 'rows.jsonl');
  await writeFile(file, content);
  const texts = streamOf(content, 2).pipeThrough(new TextDecoderStream() as never);
  const format = 'jsonl' as const;
  const address = `data:,${encodeURIComponent(content)}`;
  for (const rows of [
    streamRecords(texts as ReadableStream, { format }),
    streamRecords(new Response(content), { format }),
    streamRecords(new File([content], 'rows.jsonl')),
    streamRecords(address, { format }),
    streamRecords(new TextEncoder().encode(content), { format }),
    streamRecords(file),
  ]) {
    expect(await all(rows)).toEqual(wanted);
  }
});

test('nothing is read ahead of what is asked for, and a stream that is left is cancelled', async () => {
  let [read, cancelled] = [0, false];
  const endless = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => controller.enqueue(new TextEncoder().encode(`row ${++read}\n`)),
      cancel: () => void (cancelled = true),
    },
    { highWaterMark: 0 },
  );
  const rows: DataRecord[] = [];
  for await (const row of streamRecords(endless, { format: 'text' })) {
    rows.push(row);
    if (rows.length === 3) break;
  }
  expect(rows.at(-1)).toEqual({ text: 'row 3' });
  expect({ read, cancelled }).toEqual({ read: 3, cancelled: true });
});

test.each([
  ['jsonl', '{"a": 1}\n{"a"', [{ a: 1 }], ['line 2']],
  ['csv', 'a,b\n1,2\n3\n', [{ a: '1', b: '2' }], ['Row 2', '1 columns', 'names 2']],
  ['csv', 'a,b\n1,2\n3,"4\n5,6\n', [{ a: '1', b: '2' }], ['Row 2', 'quote that nothing closes']],
  ['tsv', 'a\ta\n1\t2\n', [], ['"a" twice']],
  ['text', '\n \n', [], ['no rows']],
] as const)('%s %j ends behind the rows before', async (format, content, before, message) => {
  const rows: DataRecord[] = [];
  const read = async (): Promise<void> => {
    for await (const row of streamRecords(streamOf(content, 2), { format })) rows.push(row);
  };
  await expectRejection(read(), 'FILE_INVALID', ...message);
  expect(rows).toEqual(before);
  const whole = readRecords(new TextEncoder().encode(content), { format });
  await expectRejection(whole, 'FILE_INVALID', ...message);
});

test('what is no stream of rows', async () => {
  const first = (...args: Parameters<typeof streamRecords>): Promise<unknown> =>
    streamRecords(...args).next();
  await expectRejection(first(streamOf('a', 1)), 'OPTION_INVALID', 'The stream', 'format');
  await expectRejection(first(7 as never), 'INPUT_INVALID', '7', 'ReadableStream');
  const columns = ['text'];
  const other = first(streamOf('{"a":1}', 9), { format: 'jsonl', columns });
  await expectRejection(other, 'FILE_INVALID', 'Row 1', 'has no "text"', 'it has "a"');
  const whole = first(streamOf('[]', 9), { format: 'json' });
  await expectRejection(whole, 'OPTION_INVALID', 'json', 'readRecords');
  const text = { format: 'text' } as const;
  const taken = streamOf('a', 1);
  taken.getReader();
  await expectRejection(first(taken, text), 'INPUT_INVALID', 'being read already');
  const gone = new Response('gone', { status: 404 });
  await expectRejection(first(gone, text), 'FILE_NOT_FOUND', 'status 404');
  const numbers = new ReadableStream({ start: (controller) => controller.enqueue(1) });
  await expectRejection(first(numbers, text), 'INPUT_INVALID', '1', 'bytes');
  const broken = new ReadableStream({ start: (controller) => controller.error(new Error('cut')) });
  await expectRejection(first(broken, text), 'FILE_UNREADABLE', 'cut');
  await expectRejection(first(join(folder, 'none.txt')), 'FILE_NOT_FOUND', 'none.txt');
  const latin = new Response(new Uint8Array([0xff]));
  await expectRejection(first(latin, text), 'FILE_INVALID', 'UTF-8');
  const signal = AbortSignal.abort();
  await expectRejection(first(streamOf('a', 1), { ...text, signal }), 'ABORTED');
});

/** Rows from 0 on, and how often they were opened. */
function counted(length: number): { open: () => AsyncGenerator<number>; opened: () => number } {
  let opened = 0;
  const open = async function* (): AsyncGenerator<number> {
    opened += 1;
    for (let i = 0; i < length; i++) yield i;
  };
  return { open, opened: () => opened };
}

test('rows in drawn orders by number, the same after a pause', async () => {
  const { open, opened } = counted(10);
  const options = { seed: 3, buffer: 4 };
  const row = shuffledStream(open, options);
  const rows = await Promise.all(Array.from({ length: 30 }, (_, number) => row(number)));
  const passes = [0, 10, 20].map((from) => rows.slice(from, from + 10));
  const whole = Array.from({ length: 10 }, (_, i) => i);
  for (const pass of passes) {
    expect(pass).not.toEqual(whole);
    expect(pass.toSorted((a, b) => a - b)).toEqual(whole);
    // A row comes no sooner than a buffer before its place.
    pass.forEach((value, place) => expect(value).toBeLessThan(place + 5));
  }
  expect(passes[1]).not.toEqual(passes[0]);
  expect(opened()).toBe(3);
  // The batch that was read ahead, once more.
  expect([await row(28), await row(29), await row(30)].slice(0, 2)).toEqual(rows.slice(28));
  expect(opened()).toBe(4);
  for (const number of [7, 13, 27, 4]) {
    expect(await shuffledStream(open, options)(number)).toBe(rows[number]);
  }
  expect(await row(5)).toBe(rows[5]);
  const other = shuffledStream(open, { ...options, seed: 4 });
  expect(await Promise.all(whole.map(other))).not.toEqual(passes[0]);
  const plain = shuffledStream(open, { seed: 3, buffer: 1 });
  expect(await Promise.all(whole.map(plain))).toEqual(whole);
});

test('streams without rows, that fail, and calls that make no sense', async () => {
  await expectRejection(
    shuffledStream(counted(0).open, { seed: 1 })(0),
    'INPUT_INVALID',
    'no rows',
  );
  const list = shuffledStream(() => [1] as never, { seed: 1 });
  await expectRejection(list(0), 'INPUT_INVALID', '[1]', 'async iterable');
  const row = shuffledStream(counted(2).open, { seed: 1 });
  await expectRejection(row(-1), 'OPTION_INVALID', 'number');
  expect(() => shuffledStream([] as never, { seed: 1 })).toThrow('a function that opens');
  expect(() => shuffledStream(counted(2).open, {} as never)).toThrow('seed');
  expect(() => shuffledStream(counted(2).open, { seed: 1, buffer: 0 })).toThrow('buffer');
  let calls = 0;
  const failing = shuffledStream(
    async function* () {
      yield 1;
      if (++calls === 1) throw new Error('cut');
      yield 2;
    },
    { seed: 1, buffer: 1 },
  );
  await expect(failing(1)).rejects.toThrow('cut');
  expect(await failing(1)).toBe(2);
});

test('documents of a stream end to end', async () => {
  const examples = [[1, 2, 3], [4], [5, 6, 7, 8, 9, 10, 11], [12, 13]].map((inputIds) => ({
    inputIds,
    labels: inputIds.map((id) => (id % 2 ? id : -100)),
  }));
  for (const length of [2, 3, 4, 100]) {
    expect(await all(packStream(examples, length))).toEqual(packExamples(examples, length));
  }
  await expectRejection(packStream(examples, 1).next(), 'OPTION_INVALID', 'length');
  await expectRejection(packStream(3 as never, 4).next(), 'INPUT_INVALID', 'iterable');
  const wrong = packStream([{ inputIds: [1] }] as never, 4).next();
  await expectRejection(wrong, 'INPUT_INVALID', '{ inputIds, labels }');
});
