// Projects that the package was installed into as users install it: packed, and by npm, which needs no network for it.
import { execFile } from 'node:child_process';
import { cpSync, existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const shell = process.platform === 'win32';
const dependencies = ['@huggingface/jinja', '@huggingface/tokenizers'];

export interface Consumer {
  readonly folder: string;
  /** Writes files by their paths. */
  readonly write: (files: Readonly<Record<string, string>>) => Promise<void>;
  /** Runs Node with these arguments in the project; output is that of both streams. */
  readonly node: (...args: string[]) => Promise<{ readonly code: number; readonly output: string }>;
  /** Runs a script of its package.json. Rejects with what it printed where it fails. */
  readonly script: (name: string) => Promise<void>;
}

/** What package.json says. */
export interface Manifest {
  readonly version?: string;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly bin?: string | Readonly<Record<string, string>>;
}

/** Packs and installs the package, with these packages of this repository beside it. */
export async function install(...beside: readonly string[]): Promise<Consumer> {
  const consumer = consumerIn(await newFolder());
  await installPacked(consumer, { type: 'module' });
  for (const name of beside) await link(consumer.folder, name);
  return consumer;
}

/** A copy of an example, with what its package.json asks for and nothing else. */
export async function installExample(name: string): Promise<Consumer> {
  const { consumer, manifest } = await copyExample(name);
  await installPacked(consumer, manifest);
  for (const wanted of Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })) {
    if (wanted === 'webgpu-transformer') continue;
    await link(consumer.folder, wanted);
    await linkCommands(consumer.folder, wanted);
  }
  if (manifest.scripts?.['postinstall'] !== undefined) await consumer.script('postinstall');
  return consumer;
}

/** The same for a tool that follows no links: its packages are copies of all that examples/ has. */
export async function installCopies(name: string): Promise<Consumer> {
  const { consumer } = await copyExample(name);
  const modules = path.join(consumer.folder, 'node_modules');
  const from = path.join(root, 'examples/node_modules');
  await cp(from, modules, { recursive: true, verbatimSymlinks: true });
  const { folder } = await install('webgpu');
  const added = path.join(folder, 'node_modules');
  await cp(added, modules, { recursive: true, dereference: true });
  await consumer.script('postinstall');
  return consumer;
}

async function copyExample(name: string): Promise<{ consumer: Consumer; manifest: Manifest }> {
  const consumer = consumerIn(await newFolder());
  const isMade = /^(node_modules|dist|public|\.next)$/;
  const filter = (file: string): boolean => !isMade.test(path.basename(file));
  const from = path.join(root, 'examples', name);
  await cp(from, consumer.folder, { recursive: true, filter });
  return { consumer, manifest: await readManifest(path.join(from, 'package.json')) };
}

export async function readManifest(file: string): Promise<Manifest> {
  return JSON.parse(await readFile(file, 'utf8')) as Manifest;
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'consumer-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Installs the package by npm from what `npm pack` makes, which is made once for all. */
async function installPacked({ folder, write }: Consumer, manifest: object): Promise<void> {
  const run = promisify(execFile);
  const packed = await run(process.execPath, ['scripts/packed.mjs'], { cwd: root });
  const all = Object.fromEntries([
    ['webgpu-transformer', `file:${packed.stdout.trim()}`],
    ...dependencies.map((name) => [name, `file:${placeOf(name)}`] as const),
  ]);
  const installed = { ...manifest, dependencies: all, devDependencies: {} };
  await write({ 'package.json': JSON.stringify(installed) });
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--omit=peer'];
  await run('npm', ['install', '--offline', ...quiet], { cwd: folder, shell });
}

/** Where a package lies: in this repository, or with the frameworks of the examples. */
function placeOf(name: string): string {
  const places = ['node_modules', 'examples/node_modules'].map((at) => path.join(root, at, name));
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  throw new Error(`${name} is not there. Run npm --prefix examples ci.`);
}

/** Puts a package of this repository into a project. */
async function link(folder: string, name: string): Promise<void> {
  const place = path.join(folder, 'node_modules', name);
  await mkdir(path.dirname(place), { recursive: true });
  await symlink(placeOf(name), place, 'junction');
}

/** Puts the commands of a package into a project. */
async function linkCommands(folder: string, name: string): Promise<void> {
  const { bin = {} } = await readManifest(path.join(placeOf(name), 'package.json'));
  const commands = typeof bin === 'string' ? { [path.basename(name)]: bin } : bin;
  const place = path.join(folder, 'node_modules/.bin');
  await mkdir(place, { recursive: true });
  for (const [command, file] of Object.entries(commands)) {
    await symlink(path.join(placeOf(name), file), path.join(place, command));
  }
}

function consumerIn(folder: string): Consumer {
  const run = promisify(execFile);
  return {
    folder,
    async write(files) {
      for (const [name, text] of Object.entries(files)) {
        const file = path.join(folder, name);
        await mkdir(path.dirname(file), { recursive: true });
        await writeFile(file, text);
      }
    },
    async node(...args) {
      try {
        const { stdout, stderr } = await run(process.execPath, args, { cwd: folder });
        return { code: 0, output: stdout + stderr };
      } catch (error) {
        const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
        return { code, output: stdout + stderr };
      }
    },
    async script(name) {
      await run('npm', ['run', name], { cwd: folder, shell }).catch((error: unknown) => {
        const { stdout, stderr } = error as { stdout: string; stderr: string };
        throw new Error(`npm run ${name} failed:\n${stdout}${stderr}`);
      });
    },
  };
}

/** Copies the model where the README has web apps copy it. */
export function copyModel({ folder }: Consumer, app: string): void {
  const from = path.join(folder, 'node_modules/webgpu-transformer/models/phrases');
  cpSync(from, path.join(folder, app, 'models/phrases'), { recursive: true });
}
