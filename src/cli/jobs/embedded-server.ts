// A PostgreSQL of this machine's own, in a folder, for those who have none: commands that need it start it, and the last
// one that leaves stops it.

import { randomBytes } from 'node:crypto';
import { appendFile, chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TransformerError } from '../../index.node.ts';
import { messageOf } from '../../runtime/print.ts';
import { type ServerProgram, serverProgram } from './server-program.ts';

/** Milliseconds in which it must have started, though another process may be about to stop it. */
const patience = 60_000;

/** Where its data is unless told otherwise: where the system keeps data of users, of root that of services. */
export function dataFolder(): string {
  const { env, platform } = process;
  const home = homedir();
  let base = env['XDG_DATA_HOME'] || join(home, '.local', 'share');
  if (platform === 'darwin') base = join(home, 'Library', 'Application Support');
  else if (platform === 'win32') base = env['LOCALAPPDATA'] || join(home, 'AppData', 'Local');
  else if (process.getuid?.() === 0) base = '/var/lib';
  return join(base, 'webgpu-transformer', 'jobs');
}

export class EmbeddedServer {
  readonly #folder: string;
  readonly #program: ServerProgram;

  private constructor(folder: string, program: ServerProgram) {
    this.#folder = folder;
    this.#program = program;
  }

  /** Makes it where it is missing. Errors: MODEL_UNSUPPORTED without the package, FILE_UNWRITABLE. */
  static async open(folder: string): Promise<EmbeddedServer> {
    const place = resolve(folder);
    const program = await serverProgram(place);
    const server = join(place, 'server');
    if ((await stat(server).catch(() => undefined)) === undefined)
      await initialize(server, program);
    return new EmbeddedServer(server, program);
  }

  /** Starts it unless it runs. Result: its address. Errors: FILE_UNREADABLE. */
  async start(): Promise<string> {
    const until = performance.now() + patience;
    while (!(await this.#isRunning())) {
      const data = ['-D', this.#data];
      const log = ['-l', join(this.#folder, 'log')];
      const { status } = await this.#pgCtl('start', ...data, '-w', ...log);
      if (status === 0) break;
      await this.#leavePort();
      if (performance.now() > until) throw await this.#failure();
      // Another process may start it at the same time.
      await delay(200);
    }
    const [password, port] = await Promise.all([this.#read('password'), this.#port()]);
    return `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  }

  async stop(): Promise<void> {
    await this.#pgCtl('stop', '-D', this.#data, '-m', 'fast', '-w');
  }

  get #data(): string {
    return join(this.#folder, 'data');
  }

  async #isRunning(): Promise<boolean> {
    return (await this.#pgCtl('status', '-D', this.#data)).status === 0;
  }

  #pgCtl(...args: string[]): ReturnType<ServerProgram['run']> {
    return this.#program.run('pg_ctl', args, this.#folder);
  }

  async #read(name: string): Promise<string> {
    return (await readFile(join(this.#folder, name), 'utf8')).trim();
  }

  async #port(): Promise<string | undefined> {
    const text = await this.#read('data/postgresql.conf');
    return [...text.matchAll(/^port = (\d+)$/gm)].at(-1)?.[1];
  }

  /** Another program may have taken the port while the server was down: it gets another one then. */
  async #leavePort(): Promise<void> {
    const said = (await this.#read('log').catch(() => '')).split('\n').slice(-8).join('\n');
    if (!said.includes('could not bind')) return;
    await appendFile(join(this.#data, 'postgresql.conf'), `port = ${await freePort()}\n`);
  }

  async #failure(): Promise<TransformerError> {
    const log = await this.#read('log').catch(messageOf);
    const said = log.split('\n').slice(-6).join('\n');
    return new TransformerError(
      'FILE_UNREADABLE',
      `The PostgreSQL in ${this.#folder} does not start: ${said}\nPass --database, or --data with another folder.`,
    );
  }
}

/** Makes an empty server, there as a whole or not at all. Errors: FILE_UNWRITABLE. */
async function initialize(place: string, program: ServerProgram): Promise<void> {
  const partial = `${place}.${randomBytes(6).toString('hex')}.partial`;
  const password = randomBytes(24).toString('hex');
  try {
    await mkdir(partial, { recursive: true });
    await writeFile(join(partial, 'password'), `${password}\n`, { mode: 0o600 });
    // What initdb reads, by the user that runs it.
    const given = join(partial, 'given');
    await writeFile(given, `${password}\n`, { mode: 0o600 });
    if (program.user !== undefined) {
      const { uid, gid } = program.user;
      await chown(partial, uid, gid);
      await chown(given, uid, gid);
    }
    const login = ['--username=postgres', `--pwfile=${given}`, '--auth=scram-sha-256'];
    const texts = ['--no-locale', '--encoding=UTF8'];
    const data = join(partial, 'data');
    const { status, errors } = await program.run(
      'initdb',
      ['-D', data, ...login, ...texts],
      partial,
    );
    if (status !== 0) throw new Error(errors);
    await rm(given);
    await appendFile(join(data, 'postgresql.conf'), await ownSettings());
    await rename(partial, place);
  } catch (cause) {
    // Another process was faster.
    if ((await stat(place).catch(() => undefined)) !== undefined) return;
    throw new TransformerError(
      'FILE_UNWRITABLE',
      `A PostgreSQL could not be made in ${place}: ${messageOf(cause)}. Pass --database, or --data with a folder ` +
        `that may be written to${program.user === undefined ? '' : ' and that other users may enter, since root may not run it'}.`,
      { cause },
    );
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** It listens to this machine alone, at a port that it keeps, so that whoever loses it finds it again. */
async function ownSettings(): Promise<string> {
  return [
    '',
    `port = ${await freePort()}`,
    "listen_addresses = '127.0.0.1'",
    "unix_socket_directories = ''",
    'max_connections = 200',
    '',
  ].join('\n');
}

function freePort(): Promise<number> {
  return new Promise((done, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
