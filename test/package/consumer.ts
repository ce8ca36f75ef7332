// An empty project that the package was installed into as users install it: packed, and by npm, which
// needs no network for it.
import { execFile } from 'node:child_process';
import { cpSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const dependencies = ['@huggingface/jinja', '@huggingface/tokenizers'];

export interface Consumer {
  readonly folder: string;
  /** Writes files by their paths. */
  readonly write: (files: Readonly<Record<string, string>>) => Promise<void>;
  /** Runs Node with these arguments in the project; output is that of both streams. */
  readonly node: (...args: string[]) => Promise<{ readonly code: number; readonly output: string }>;
}

/** Packs and installs the package, with these packages of this repository beside it. */
export async function install(...beside: readonly string[]): Promise<Consumer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'consumer-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const run = async (command: string, args: readonly string[], cwd: string): Promise<void> => {
    const shell = process.platform === 'win32';
    await promisify(execFile)(command, args, { cwd, shell });
  };
  await run(process.execPath, ['scripts/built.mjs'], root);
  await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], root);
  const packed = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
  const from = (name: string): string => path.join(root, 'node_modules', name);
  const own = Object.fromEntries(dependencies.map((name) => [name, `file:${from(name)}`]));
  const manifest = {
    type: 'module',
    dependencies: { 'webgpu-transformer': `file:${packed}`, ...own },
  };
  await writeFile(path.join(folder, 'package.json'), JSON.stringify(manifest));
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--omit=peer'];
  await run('npm', ['install', '--offline', ...quiet], folder);
  for (const name of beside) {
    const link = path.join(folder, 'node_modules', name);
    await mkdir(path.dirname(link), { recursive: true });
    await symlink(from(name), link, 'junction');
  }
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
        const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
          cwd: folder,
        });
        return { code: 0, output: stdout + stderr };
      } catch (error) {
        const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
        return { code, output: stdout + stderr };
      }
    },
  };
}

/** Copies the model where the README has web apps copy it. */
export function copyModel({ folder }: Consumer, app: string): void {
  const from = path.join(folder, 'node_modules/webgpu-transformer/models/phrases');
  cpSync(from, path.join(folder, app, 'models/phrases'), { recursive: true });
}
