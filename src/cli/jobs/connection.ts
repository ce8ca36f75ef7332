// The connection to PostgreSQL: the one that is named, or this machine's own, which ends with whoever uses it last.

import type * as Package from 'pg-boss';
import type { Db, PgBoss } from 'pg-boss';
import { setTimeout as delay } from 'node:timers/promises';
import { TransformerError } from '../../index.node.ts';
import { fieldOf } from '../../runtime/errors.ts';
import { messageOf } from '../../runtime/print.ts';
import { supervision } from './defaults.ts';
import { dataFolder, EmbeddedServer } from './embedded-server.ts';

/** Where jobs are kept. */
export interface DatabaseSettings {
  /** The address of a database; DATABASE_URL when absent, and `data` as well. */
  readonly database?: string | undefined;
  /** The folder of this machine's own server. */
  readonly data?: string | undefined;
}

/** Tables of its own: other users of pg-boss in the same database may have another version of it. */
export const schema = 'webgpu_transformer';

/** Who uses the embedded server holds this lock together with others; who has it alone may stop it. */
const presenceLock = 7_713_120;

/** Milliseconds in which an embedded server that another process is stopping must be back. */
const patience = 60_000;

type Transaction = Awaited<ReturnType<NonNullable<Db['beginTransaction']>>>;

export class Connection implements AsyncDisposable {
  readonly boss: PgBoss;
  readonly #server: EmbeddedServer | undefined;
  #presence: Transaction | undefined;

  private constructor(boss: PgBoss, server: EmbeddedServer | undefined) {
    this.boss = boss;
    this.#server = server;
  }

  /** `works`: whether it is for a worker of the queue of this name. Errors: FILE_*, MODEL_UNSUPPORTED, OPTION_INVALID. */
  static async open(
    settings: DatabaseSettings,
    queue: string,
    works: boolean,
  ): Promise<Connection> {
    const { data } = settings;
    const database = settings.database ?? (data === undefined ? addressOfAll() : undefined);
    const { PgBoss: Boss } = await loadPackage();
    const server =
      database === undefined ? await EmbeddedServer.open(data ?? dataFolder()) : undefined;
    const connectionString = database ?? (await server?.start()) ?? '';
    checkAddress(connectionString);
    const boss = new Boss({
      connectionString,
      schema,
      max: 3,
      schedule: false,
      supervise: works,
      superviseIntervalSeconds: supervision,
      monitorIntervalSeconds: supervision,
      registerInstance: works,
      instanceName: queue,
      instanceHeartbeatSeconds: 10,
    });
    // What fails while nobody waits for it is tried again.
    boss.on('error', () => undefined);
    const connection = new Connection(boss, server);
    try {
      await connection.#begin();
    } catch (cause) {
      await boss.stop({ graceful: false }).catch(() => undefined);
      throw isOutage(cause) ? unreachable(cause) : cause;
    }
    return connection;
  }

  /** After the database was away: starts this machine's own again, if it is that one. */
  async revive(): Promise<void> {
    if (this.#server === undefined) return;
    await this.#server.start();
    await this.#attend();
  }

  /** Runs SQL. */
  async query(text: string, values: readonly unknown[]): Promise<Record<string, unknown>[]> {
    const { rows } = await this.boss.getDb().executeSql(text, [...values]);
    return rows as Record<string, unknown>[];
  }

  /** All of it, or none where it throws or is not to stay. Result: whether it is. */
  async transaction(work: (db: Db) => Promise<boolean>): Promise<boolean> {
    const begun = await this.#transaction();
    try {
      const stays = await work(begun.db);
      if (stays) await begun.commit();
      return stays;
    } finally {
      await begun.rollback();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.boss.stop({ graceful: false, close: false });
    try {
      if (this.#server !== undefined) await this.#leave(this.#server);
    } catch (error) {
      if (!isOutage(error)) throw error;
    } finally {
      await this.boss.stop();
    }
  }

  /** The embedded server may be about to be stopped by who used it last. */
  async #begin(): Promise<void> {
    const until = performance.now() + patience;
    for (;;) {
      try {
        await this.boss.start();
        await this.#attend();
        return;
      } catch (error) {
        const isHopeless = this.#server === undefined || performance.now() > until;
        if (isHopeless || !isOutage(error)) throw error;
      }
      await delay(200);
      await this.#server?.start();
    }
  }

  /** Says that this process uses the server. */
  async #attend(): Promise<void> {
    if (this.#server === undefined) return;
    await this.#presence?.rollback();
    this.#presence = await this.#transaction();
    await this.#presence.db.executeSql('SELECT pg_advisory_xact_lock_shared($1)', [presenceLock]);
  }

  /** Stops the server if nobody else uses it. */
  async #leave(server: EmbeddedServer): Promise<void> {
    await this.#presence?.rollback();
    const alone = await this.#transaction();
    const asked = await alone.db.executeSql('SELECT pg_try_advisory_xact_lock($1) AS alone', [
      presenceLock,
    ]);
    if (fieldOf(asked.rows[0], 'alone') === true) await server.stop();
    await alone.rollback();
  }

  async #transaction(): Promise<Transaction> {
    const begun = await this.boss.getDb().beginTransaction?.();
    if (begun === undefined) throw new Error('pg-boss has no transactions on its own connections.');
    return begun;
  }
}

/** Whether an error says that the database is away, in distinction to what it says itself. */
export function isOutage(error: unknown): boolean {
  const code = String(fieldOf(error, 'code'));
  // PostgreSQL's own errors have a severity. Of these: no connection, too many of them, an operator's intervention.
  if (fieldOf(error, 'severity') !== undefined) return /^(08|53|57)/.test(code);
  const isNetwork = /^E(CONN|PIPE|HOST|NET|NOTFOUND|TIMEDOUT|AI_AGAIN)/.test(code);
  return (
    isNetwork ||
    /connection (terminated|error|timeout|ended)|timeout exceeded/i.test(messageOf(error))
  );
}

/** Errors: FILE_UNREADABLE. */
export function unreachable(cause: unknown): TransformerError {
  return new TransformerError(
    'FILE_UNREADABLE',
    `PostgreSQL cannot be reached: ${messageOf(cause)}. Check that it runs, and --database or DATABASE_URL.`,
    { cause },
  );
}

/** The database that all programs are told of. */
function addressOfAll(): string | undefined {
  return process.env['DATABASE_URL'] || undefined;
}

function checkAddress(address: string): void {
  if (/^postgres(ql)?:\/\//.test(address) && URL.canParse(address)) return;
  throw new TransformerError(
    'OPTION_INVALID',
    'The address of the database begins with no postgres://. Pass --database postgres://user:password@host/name, or ' +
      'set DATABASE_URL so.',
  );
}

async function loadPackage(): Promise<typeof Package> {
  try {
    return await import('pg-boss');
  } catch (cause) {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      'Jobs are queued by the package "pg-boss", which could not be loaded: npm install pg-boss.',
      { cause },
    );
  }
}
