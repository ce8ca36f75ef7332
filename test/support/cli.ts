// The command line as users run it: the built command in a process of its own. Node only.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cpSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'vitest';

export const root: string = fileURLToPath(new URL('../..', import.meta.url));
const launcher = path.join(root, 'scripts', 'with-driver.mjs');
const isBuilt = process.env['TEST_BUILT'] === '1';
// Built from the sources beside a copy of the model, so that a stale dist is never what is tested.
const folder = isBuilt ? root : path.join(root, 'node_modules', '.cache', 'test-cli');
const command = path.join(folder, 'dist', 'cli.js');

/** Milliseconds in which every command must end by itself. */
const limit = 50_000;

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Builds the command, unless the built package is what is tested. */
export async function buildCommand(): Promise<void> {
  if (isBuilt) return;
  cpSync(path.join(root, 'models'), path.join(folder, 'models'), { recursive: true });
  const out = path.join(folder, 'dist');
  const vite = path.join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const options = ['build', '--logLevel', 'error', '--outDir', out, '--emptyOutDir'];
  await promisify(execFile)(process.execPath, [vite, ...options], { cwd: root });
}

/** Runs the command; a process that does not end by itself fails the test. */
export async function run(...args: string[]): Promise<Ended> {
  const options = { cwd: root, timeout: limit };
  const all = [launcher, process.execPath, command, ...args];
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, all, options)) };
  } catch (error) {
    const { code, killed, stdout, stderr } = error as Ended & { killed: boolean };
    if (killed) throw new Error(`Did not end by itself: ${args.join(' ')}`, { cause: error });
    return { code, stdout, stderr };
  }
}

/** Runs the command and sends it a signal as soon as its output matches. */
export async function interrupt(
  signal: 'SIGINT' | 'SIGTERM',
  when: RegExp,
  ...args: string[]
): Promise<Ended> {
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  const all = [launcher, process.execPath, command, ...args];
  const child: ChildProcess = spawn(process.execPath, all, { cwd: root, stdio: [...stdio] });
  let [stdout, stderr, sent] = ['', '', false];
  child.stdout?.on('data', (text: Buffer) => {
    stdout += text.toString();
    if (!sent && when.test(stdout)) sent = child.kill(signal);
  });
  child.stderr?.on('data', (text: Buffer) => {
    stderr += text.toString();
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), limit);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  clearTimeout(timer);
  if (!sent || code === null) {
    throw new Error(`Was not interrupted, or did not end: ${args.join(' ')}\n${stdout}${stderr}`);
  }
  return { code, stdout, stderr };
}

/** Expects exit status 1, nothing on stdout, and a message for users. */
export function expectRefusal({ code, stdout, stderr }: Ended, ...parts: string[]): void {
  expect(code).toBe(1);
  expect(stdout).toBe('');
  for (const part of parts) expect(stderr).toContain(part);
  expect(stderr).not.toMatch(/^ +at .*\.js:/m);
  expect(stderr).not.toContain('TransformerError');
}
