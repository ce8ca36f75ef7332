// Rows of Parquet files, as the Hugging Face Hub and most tools for tables store them.

import { gunzipSync } from 'fflate';
import { decompress } from 'fzstd';
import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { TransformerError } from '../../runtime/errors.ts';
import { isObject } from '../../source/json.ts';

const compressors = {
  GZIP: (input: Uint8Array, length: number) => gunzipSync(input, { out: new Uint8Array(length) }),
  ZSTD: (input: Uint8Array, length: number) => decompress(input, new Uint8Array(length)),
};

/**
 * All rows, in the order of the file, group by group as it holds them: lists as arrays, structures as objects, binary
 * columns as bytes, missing values as null. Compressed by Snappy, Zstandard or gzip, or not.
 * @throws TransformerError FILE_INVALID
 */
export async function* parquetRows(
  bytes: Uint8Array,
  file: string,
): AsyncGenerator<Record<string, unknown>[], void, undefined> {
  const buffer = {
    byteLength: bytes.byteLength,
    slice: (start: number, end?: number) => new Uint8Array(bytes.subarray(start, end)).buffer,
  };
  try {
    const metadata = await parquetMetadataAsync(buffer);
    let rowStart = 0;
    for (const { num_rows: count } of metadata.row_groups) {
      const rowEnd = rowStart + Number(count);
      const rows = await parquetReadObjects({
        file: buffer,
        metadata,
        rowStart,
        rowEnd,
        compressors,
        utf8: false, // columns that say they are text are read as text
      });
      yield rows.map((row) => numbersIn(row) as Record<string, unknown>);
      rowStart = rowEnd;
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TransformerError(
      'FILE_INVALID',
      `${file} cannot be read as Parquet: ${reason}. Pages may be compressed by Snappy, Zstandard or gzip.`,
      { cause },
    );
  }
}

/** A value whose whole numbers of 64 bits are numbers. @throws RangeError for those that are too large */
function numbersIn(value: unknown): unknown {
  if (typeof value === 'bigint') {
    if (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER) return Number(value);
    throw new RangeError(`it holds ${value}, which no number here can hold`);
  }
  if (Array.isArray(value)) return value.map(numbersIn);
  if (!isObject(value) || ArrayBuffer.isView(value) || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, numbersIn(one)]));
}
