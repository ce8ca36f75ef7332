// Parquet files as pyarrow writes them.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRecords } from 'webgpu-transformer/training';
import { expectRejection } from '../../support/rejection.ts';

const folder = join(import.meta.dirname, '../../fixtures/tables');

/** What was written; bytes are lists of numbers there. */
async function written(): Promise<unknown> {
  return JSON.parse(await readFile(join(folder, 'rows.json'), 'utf8'), (key, value: unknown) =>
    key === 'bytes' ? Uint8Array.from(value as number[]) : value,
  );
}

test.each(['none', 'snappy', 'zstd', 'gzip'])('compressed by %s', async (name) => {
  const file = join(folder, `${name}.parquet`);
  const wanted = await written();
  expect(await readRecords(file, { columns: ['text', 'label'] })).toEqual(wanted);
  expect(await readRecords(await readFile(file), { format: 'parquet' })).toEqual(wanted);
});

test('what is none, is cut, is compressed otherwise, or holds numbers that are too large', async () => {
  const whole = await readFile(join(folder, 'snappy.parquet'));
  const cases = [
    [new TextEncoder().encode('{"text": "a"}\n{"text": "b"}'), 'parquet'],
    [whole.subarray(0, 100), 'parquet'],
    [await readFile(join(folder, 'brotli.parquet')), 'BROTLI'],
    [await readFile(join(folder, 'big.parquet')), String(2n ** 60n)],
  ] as const;
  for (const [bytes, reason] of cases) {
    await expectRejection(
      readRecords(bytes, { format: 'parquet' }),
      'FILE_INVALID',
      'as Parquet',
      reason,
    );
  }
  await expectRejection(
    readRecords(join(folder, 'snappy.parquet'), { columns: ['prompt'] }),
    'FILE_INVALID',
    'Row 1',
    '"prompt"',
    '"text", "label"',
  );
});
