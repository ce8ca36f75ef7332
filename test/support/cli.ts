// The command line as users run it: the built command in a process of its own. Node only.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cpSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect } from 'vitest';
import { readFixture, readFixtureJson } from './fixture.ts';
import { type Files, fixtureFiles, readValues, withFields } from './source.ts';
import { pictureFiles, taskFiles } from './tasks.ts';
import { wavFile } from './wav.ts';

export const root: string = fileURLToPath(new URL('../..', import.meta.url));
const launcher = path.join(root, 'scripts', 'with-driver.mjs');
const isBuilt = process.env['TEST_BUILT'] === '1';
// Built from the sources beside a copy of the model, so that a stale dist is never what is tested; of each worker its own.
const own = `test-cli-${process.env['VITEST_POOL_ID']}`;
const folder = isBuilt ? root : path.join(root, 'node_modules', '.cache', own);
const command = path.join(folder, 'dist', 'cli.js');

/** How the command is started. */
export const commandLine: readonly string[] = [
  process.execPath,
  launcher,
  process.execPath,
  command,
];

/** Milliseconds in which every command must end by itself. */
const limit = 150_000;

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
export function run(...args: string[]): Promise<Ended> {
  return feed('', ...args);
}

/** Runs the command with this on stdin. */
export function feed(input: string, ...args: string[]): Promise<Ended> {
  return start({ input }, args);
}

/** Runs the command with these variables. */
export function runIn(env: Readonly<Record<string, string>>, ...args: string[]): Promise<Ended> {
  return start({ env }, args);
}

/** Runs the command with a stdin that stays open. */
export function runOpen(...args: string[]): Promise<Ended> {
  return start({ input: undefined }, args);
}

/** Runs the command with this on stdin, and reads the beginning of what it prints alone. */
export function head(input: string, ...args: string[]): Promise<Ended> {
  return start({ input, isHead: true }, args);
}

interface Streams {
  readonly input?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
  readonly isHead?: boolean;
}

async function start(streams: Streams, args: readonly string[]): Promise<Ended> {
  const { env = {}, isHead = false } = streams;
  const options = { cwd: root, timeout: limit, env: { ...process.env, ...env } };
  const all = [launcher, process.execPath, command, ...args];
  const running = promisify(execFile)(process.execPath, all, options);
  const { stdin, stdout } = running.child;
  // A command that reads nothing may end before.
  stdin?.on('error', () => undefined);
  const { input = '' } = streams;
  if ('input' in streams && streams.input === undefined) stdin?.write('');
  else stdin?.end(input);
  if (isHead) stdout?.once('data', () => stdout.destroy());
  try {
    return { code: 0, ...(await running) };
  } catch (error) {
    const { code, killed, stdout: out, stderr } = error as Ended & { killed: boolean };
    if (killed) throw new Error(`Did not end by itself: ${args.join(' ')}`, { cause: error });
    return { code, stdout: out, stderr };
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

/** What a command prints that ends well, with nothing on stderr. */
export async function output(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

/** JSON values, one a line. */
export function jsonLines(text: string): unknown[] {
  const lines = text.split('\n');
  expect(lines.pop()).toBe('');
  return lines.map((line): unknown => JSON.parse(line));
}

/** A folder with a checkpoint of test/fixtures/tasks, until the test file ends. */
export async function taskFolder(model: string, changes: Files = {}): Promise<string> {
  return folderOf({ ...(await taskFiles(model)), ...changes });
}

/** A folder with these files. */
async function folderOf(files: Files): Promise<string> {
  const place = await mkdtemp(path.join(tmpdir(), 'cli-'));
  for (const [name, bytes] of Object.entries(files)) await writeFile(path.join(place, name), bytes);
  afterAll(() => rm(place, { recursive: true }));
  return place;
}

/** A folder with a tiny model that writes about pictures. */
export async function captionFolder(): Promise<string> {
  return taskFolder('gpt2', await pictureFiles('trocr', 'captions'));
}

/** A folder with a tiny model that draws. */
export async function drawingFolder(): Promise<string> {
  return folderOf(await pictureFiles('imagegpt', 'drawings'));
}

/** A folder with a tiny model that labels each step of a sound, and that sound. */
export async function labelsFolder(sound: string): Promise<string> {
  const { vocabulary, tokenizer_config: tokenizer } = (await readFixtureJson(
    'sound/pipelines.json',
  )) as Record<string, Record<string, unknown>>;
  const extractor = { feature_extractor_type: 'Wav2Vec2FeatureExtractor' };
  const { data = [] } = readValues(await readFixture('sound/sound.safetensors')).get(sound) ?? {};
  const samples = new Uint8Array(Float32Array.from(data).buffer);
  return folderOf({
    ...(await fixtureFiles('variants/wav2vec2_ctc', ['config.json', 'model.safetensors'])),
    'preprocessor_config.json': withFields(undefined, extractor),
    'vocab.json': withFields(undefined, vocabulary ?? {}),
    'tokenizer_config.json': withFields(undefined, tokenizer ?? {}),
    'sound.wav': wavFile(samples, { tag: 3, bits: 32 }),
  });
}

/**
 * Expects nothing on stdout, a message for users, and the exit status: 2 where a call was wrong, with
 * a line on how to get help, and 1 for all else.
 */
export function expectRefusal({ code, stdout, stderr }: Ended, ...parts: string[]): void {
  expect(stdout).toBe('');
  for (const part of parts) expect(stderr).toContain(part);
  expect(code).toBe(/\nTry: webgpu-transformer help( [\w-]+)*\n$/.test(stderr) ? 2 : 1);
  expect(stderr).not.toMatch(/^ +at .*\.js:/m);
  expect(stderr).not.toContain('TransformerError');
}
