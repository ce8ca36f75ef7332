// Vectors of shards in a table of PostgreSQL, by pgvector (https://github.com/pgvector/pgvector).

import type { Db } from 'pg-boss';
import { TransformerError } from '../../index.node.ts';
import { fieldOf } from '../../runtime/errors.ts';
import { messageOf } from '../../runtime/print.ts';
import { type DataRecord, recordPieces } from '../../training/data/records.ts';
import { isOutage } from './connection.ts';

/** Where the vectors of a shard go, and the file that they are in. */
export interface StoredShard {
  /** A name that `isTableName` takes. */
  readonly table: string;
  /** What its rows are known by. */
  readonly shard: string;
  /** What `embedShard` has written: JSONL or Parquet. */
  readonly path: string;
}

/** Rows of one statement. */
const batch = 500;

const part = '[a-z_][a-z0-9_]{0,62}';
const named = new RegExp(`^${part}(?:\\.${part})?$`);

/** Whether it names a table, perhaps behind a schema, in a way that needs no quotes. */
export function isTableName(name: unknown): name is string {
  return typeof name === 'string' && named.test(name);
}

/** Has the database know vectors. Errors: OPTION_INVALID where it has no pgvector. */
export async function prepareVectors(db: Db): Promise<void> {
  try {
    const known = await db.executeSql("SELECT 1 FROM pg_extension WHERE extname = 'vector'");
    if (known.rows.length === 0) await db.executeSql('CREATE EXTENSION IF NOT EXISTS vector');
  } catch (cause) {
    if (isOutage(cause)) throw cause;
    throw new TransformerError(
      'OPTION_INVALID',
      `--table is for a PostgreSQL with pgvector: ${messageOf(cause)}. Install pgvector on its server, have an ` +
        'administrator create the extension "vector", or leave --table out.',
      { cause },
    );
  }
}

/**
 * Puts the rows of a shard in place of those that the table has of it, within a transaction. The table is made by the
 * first shard. Errors: INPUT_INVALID where the table does not take them, FILE_*.
 */
export async function storeVectors(db: Db, { table, shard, path }: StoredShard): Promise<void> {
  const name = table.split('.').map((one) => `"${one}"`);
  const own = { db, table: name.join('.'), shard };
  try {
    // One at a time has a shard.
    await db.executeSql('SELECT pg_advisory_xact_lock(hashtext($1))', [`${table} ${shard}`]);
    const isKnown = await removeRows(own);
    let number = 0;
    for await (const piece of recordPieces(path, { columns: ['id', 'embedding'] })) {
      for (let at = 0; at < piece.length; at += batch) {
        const rows = piece.slice(at, at + batch);
        if (number === 0 && !isKnown) await makeTable(own, rows);
        await insertRows(own, rows, number);
        number += rows.length;
      }
    }
  } catch (cause) {
    if (fieldOf(cause, 'severity') === undefined || isOutage(cause)) throw cause;
    throw new TransformerError(
      'INPUT_INVALID',
      `The table ${table} does not take the vectors of ${shard}: ${messageOf(cause)}.`,
      { cause },
    );
  }
}

interface Table {
  readonly db: Db;
  /** In quotes. */
  readonly table: string;
  readonly shard: string;
}

/** Result: whether there is a table. */
async function removeRows({ db, table, shard }: Table): Promise<boolean> {
  const { rows } = await db.executeSql('SELECT to_regclass($1) IS NOT NULL AS known', [table]);
  if (fieldOf(rows[0], 'known') !== true) return false;
  await db.executeSql(`DELETE FROM ${table} WHERE shard = $1`, [shard]);
  return true;
}

/** Others that find none wait for the end of this transaction. */
async function makeTable({ db, table }: Table, rows: readonly DataRecord[]): Promise<void> {
  await db.executeSql('SELECT pg_advisory_xact_lock(hashtext($1))', [table]);
  await db.executeSql(`
    CREATE TABLE IF NOT EXISTS ${table} (
      shard text NOT NULL,
      "row" integer NOT NULL,
      id text NOT NULL,
      embedding vector(${vectorOf(rows[0]).length}) NOT NULL,
      PRIMARY KEY (shard, "row")
    )`);
}

async function insertRows(
  { db, table, shard }: Table,
  rows: readonly DataRecord[],
  first: number,
): Promise<void> {
  await db.executeSql(
    `INSERT INTO ${table} (shard, "row", id, embedding)
     SELECT $1, * FROM unnest($2::integer[], $3::text[], $4::vector[])`,
    [
      shard,
      rows.map((_, index) => first + index),
      rows.map(({ id }) => String(id)),
      rows.map((row) => `[${vectorOf(row).join(',')}]`),
    ],
  );
}

/** Errors: FILE_INVALID. */
function vectorOf(row: DataRecord | undefined): readonly number[] | Float32Array {
  const vector = row?.['embedding'];
  if (Array.isArray(vector) || vector instanceof Float32Array) return vector as number[];
  throw new TransformerError('FILE_INVALID', 'The output of the shard has a row without a vector.');
}
