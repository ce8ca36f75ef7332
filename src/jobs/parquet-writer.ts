// Results as Parquet, by hyparquet-writer, an optional peer: a group of rows a window.

import type * as Package from 'hyparquet-writer';
import { TransformerError } from '../runtime/errors.ts';
import type { WholeFile } from '../node/shard-files.ts';
import type { Column, RowWriter } from './writers.ts';

type SchemaElement = Package.ParquetWriter['schema'][number];

/** Errors: MODEL_UNSUPPORTED without the package. */
export async function parquetWriter(
  file: WholeFile,
  columns: readonly Column[],
  ids: 'numbers' | 'texts',
): Promise<RowWriter> {
  const { ByteWriter, ParquetWriter } = await loadPackage();
  const bytes = new ByteWriter();
  const schema = [
    { name: 'root', num_children: columns.length + 1 },
    ...elementsOf({ name: 'id', kind: ids === 'numbers' ? 'number' : 'text' }, 'INT64'),
    ...columns.flatMap((column) => elementsOf(column)),
  ];
  const writer = new ParquetWriter({ writer: bytes, schema, createdBy: 'webgpu-transformer' });
  const flush = async (): Promise<void> => {
    await file.write(bytes.getBytes());
    bytes.index = 0;
  };
  return {
    async write(rows) {
      const cellsOf = ({ name, kind }: Column): unknown[] =>
        rows.map(({ cells }) => cellOf(cells[name], kind));
      const idOf = (id: string | number): unknown => (ids === 'numbers' ? BigInt(id) : String(id));
      const columnData = [
        { name: 'id', data: rows.map(({ id }) => idOf(id)) },
        ...columns.map((column) => ({
          name: column.name,
          data: cellsOf(column),
          // Numbers of vectors are as good as random.
          ...(column.kind === 'vector' && {
            codec: 'UNCOMPRESSED' as const,
            encoding: 'PLAIN' as const,
            statistics: false,
          }),
        })),
      ];
      await writer.write({ columnData, rowGroupSize: Math.max(1, rows.length) });
      await flush();
    },
    async end() {
      await writer.finish();
      await flush();
    },
  };
}

function cellOf(value: unknown, kind: Column['kind']): unknown {
  if (kind === 'vector') return Array.from(value as Float32Array);
  return kind === 'json' ? JSON.stringify(value) : value;
}

/** Lists as parquet-format's LogicalTypes.md has them. */
function elementsOf(
  { name, kind }: Column,
  number: 'DOUBLE' | 'INT64' = 'DOUBLE',
): SchemaElement[] {
  const required = { repetition_type: 'REQUIRED' } as const;
  const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8', ...required } as const;
  const list = (element: Omit<SchemaElement, 'name'>): SchemaElement[] => [
    { name, converted_type: 'LIST', num_children: 1, ...required },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', ...element },
  ];
  const elements: Readonly<Record<Column['kind'], SchemaElement[]>> = {
    text: [{ name, ...text }],
    json: [{ name, type: 'BYTE_ARRAY', converted_type: 'JSON', ...required }],
    number: [{ name, type: number, ...required }],
    texts: list(text),
    numbers: list({ type: 'DOUBLE', ...required }),
    vector: list({ type: 'FLOAT', ...required }),
  };
  return elements[kind];
}

async function loadPackage(): Promise<typeof Package> {
  try {
    return await import('hyparquet-writer');
  } catch (cause) {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      'Parquet is written by the package "hyparquet-writer", which could not be loaded: npm install hyparquet-writer. ' +
        "Or pass format: 'jsonl', which needs none.",
      { cause },
    );
  }
}
