// Results in the order of their rows, in one of the formats.

import { TransformerError } from '../runtime/errors.ts';
import type { WholeFile } from '../node/shard-files.ts';
import { safetensorsHeader } from '../source/safetensors-writer.ts';
import type { ShardFormat } from './options.ts';
import type { RowId } from './rows.ts';

/** A column of results, and what its cells are: `json` is any value of JSON, `vector` numbers of 32 bits. */
export interface Column {
  readonly name: string;
  readonly kind: 'text' | 'texts' | 'number' | 'numbers' | 'vector' | 'json';
}

/** What stands in the columns of a row. */
export type Cells = Readonly<Record<string, unknown>>;

/** A row of the output. */
export interface OutputRow {
  readonly id: RowId;
  readonly cells: Cells;
}

/** Writes rows as they come. Errors: FILE_UNWRITABLE. */
export interface RowWriter {
  write(rows: readonly OutputRow[]): Promise<void>;
  /** Writes what stands behind or before all rows. */
  end(): Promise<void>;
}

/** Errors: MODEL_UNSUPPORTED where the package for Parquet is missing. */
export async function openWriter(
  format: ShardFormat,
  file: WholeFile,
  columns: readonly Column[],
  ids: 'numbers' | 'texts',
): Promise<RowWriter> {
  if (format === 'jsonl') return jsonLines(file);
  if (format === 'safetensors') return tensorFile(file, columns[0]?.name ?? '');
  const { parquetWriter } = await import('./parquet-writer.ts');
  return parquetWriter(file, columns, ids);
}

/** An object a line. Numbers of 32 bits have 9 digits, of which they come back exactly. */
function jsonLines(file: WholeFile): RowWriter {
  const encoder = new TextEncoder();
  const plain = (_: string, value: unknown): unknown =>
    value instanceof Float32Array ? Array.from(value, (x) => Number(x.toPrecision(9))) : value;
  return {
    async write(rows) {
      const lines = rows.map(({ id, cells }) => `${JSON.stringify({ id, ...cells }, plain)}\n`);
      await file.write(encoder.encode(lines.join('')));
    },
    async end() {},
  };
}

/** Bytes that are kept free for the header, whose numbers are known at the end alone. */
const headerBytes = 256;

/** One tensor, (rows, width): row i is that of the shard. */
async function tensorFile(file: WholeFile, name: string): Promise<RowWriter> {
  let count = 0;
  let width = 0;
  await file.write(new Uint8Array(headerBytes));
  return {
    async write(rows) {
      const vectors = rows.map(({ cells }) => cells[name] as Float32Array);
      width = vectors[0]?.length ?? width;
      const data = new Float32Array(vectors.length * width);
      vectors.forEach((vector, row) => data.set(vector, row * width));
      await file.write(new Uint8Array(data.buffer));
      count += vectors.length;
    },
    async end() {
      const tensor = { dtype: 'F32', shape: [count, width], data_offsets: [0, 4 * count * width] };
      const header = { __metadata__: { format: 'pt' }, [name]: tensor };
      const bytes = safetensorsHeader(header, headerBytes);
      if (bytes.length === headerBytes) return file.overwrite(bytes, 0);
      throw new TransformerError(
        'LIMIT_EXCEEDED',
        `The header of ${name} takes ${bytes.length} bytes.`,
      );
    },
  };
}
