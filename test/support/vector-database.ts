// A PostgreSQL with pgvector in this process, for tests of tables of vectors. Node only.

import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';

export interface VectorDatabase extends AsyncDisposable {
  /** What commands are told. */
  readonly address: string;
  /** The rows of an answer. */
  readonly query: (sql: string, values?: unknown[]) => Promise<Record<string, unknown>[]>;
}

export async function vectorDatabase(): Promise<VectorDatabase> {
  const database = await PGlite.create({ extensions: { vector } });
  const server = new PGLiteSocketServer({
    db: database,
    host: '127.0.0.1',
    port: 0,
    maxConnections: 12,
  });
  await server.start();
  return {
    address: `postgres://postgres:postgres@${server.getServerConn()}/postgres`,
    query: async (sql, values) => {
      const { rows } = await database.query<Record<string, unknown>>(sql, values);
      return rows;
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      await database.close();
    },
  };
}
