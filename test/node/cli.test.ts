// The command line as users run it: the built command in a process of its own.
import { execFile } from 'node:child_process';
import { cpSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const launcher = path.join(root, 'scripts', 'with-driver.mjs');
const isBuilt = process.env['TEST_BUILT'] === '1';
// Built from the sources beside a copy of the model, so that a stale dist is never what is tested.
const folder = isBuilt ? root : path.join(root, 'node_modules', '.cache', 'test-cli');
const command = path.join(folder, 'dist', 'cli.js');

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command; a process that does not end by itself fails the test. */
async function run(...args: string[]): Promise<Ended> {
  const options = { cwd: root, timeout: 20_000 };
  const all = [launcher, process.execPath, command, ...args];
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, all, options)) };
  } catch (error) {
    const { code, killed, stdout, stderr } = error as Ended & { killed: boolean };
    if (killed) throw new Error(`Did not end by itself: ${args.join(' ')}`, { cause: error });
    return { code, stdout, stderr };
  }
}

/** Expects exit status 1, nothing on stdout, and a message for users. */
function expectRefusal({ code, stdout, stderr }: Ended, ...parts: string[]): void {
  expect(code).toBe(1);
  expect(stdout).toBe('');
  for (const part of parts) expect(stderr).toContain(part);
  expect(stderr).not.toMatch(/^ +at .*\.js:/m);
  expect(stderr).not.toContain('TransformerError');
}

beforeAll(async () => {
  if (isBuilt) return;
  cpSync(path.join(root, 'models'), path.join(folder, 'models'), { recursive: true });
  const out = path.join(folder, 'dist');
  const vite = path.join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const options = ['build', '--logLevel', 'error', '--outDir', out, '--emptyOutDir'];
  await promisify(execFile)(process.execPath, [vite, ...options], { cwd: root });
});

test('translate prints the translation', async () => {
  const { code, stdout } = await run('translate', 'Saturday, November 21, 2026', '--to', 'de');
  expect(code).toBe(0);
  const [translation, ...rest] = stdout.trim().split('\n');
  expect(translation).toBe('Samstag, 21. November 2026');
  expect(rest.join('\n')).toMatch(/tokens\/s/);
});

test('translate --quiet prints nothing else', async () => {
  const { code, stdout } = await run(
    'translate',
    'in 3 days',
    'in 4 days',
    '--to',
    'fr',
    '--quiet',
  );
  expect(code).toBe(0);
  expect(stdout).toBe('dans 3 jours\ndans 4 jours\n');
});

test('translate takes another checkpoint and a length', async () => {
  const model = path.join(root, 'models', 'phrases');
  const args = ['in 3 days', '--to', 'fr', '--model', model, '--max-new-tokens', '4', '--quiet'];
  expect((await run('translate', ...args)).stdout).toBe('dans\n');
});

test('translate refuses what it cannot do', async () => {
  expectRefusal(await run('translate', 'in 3 days', '--to', 'xx'), '"xx"', 'de, en, fr, zh');
  expectRefusal(await run('translate', 'in 3 days'), 'to is missing', 'de, en, fr, zh');
  expectRefusal(await run('translate', '--to', 'de'), 'nothing to translate');
  const absent = path.join(root, 'no-such-folder');
  expectRefusal(
    await run('translate', 'a', '--to', 'de', '--model', absent),
    'no directory',
    absent,
  );
  const negative = await run('translate', 'a', '--to', 'de', '--max-new-tokens', 'many');
  expectRefusal(negative, '--max-new-tokens', 'many');
});

test('info tells what a checkpoint holds', async () => {
  const { code, stdout } = await run('info', path.join(root, 'test', 'fixtures', 'marian'));
  expect(code).toBe(0);
  expect(stdout).toMatch(/model type +marian/);
  expect(stdout).toMatch(/parameters +42,288/);
  expect(stdout).toMatch(/F32, 0\.17 MB/);
  expect(stdout).toMatch(/max_length 12/);
  expectRefusal(await run('info'), 'info DIR');
  expectRefusal(await run('info', 'no-such-folder'), 'no directory');
});

test('doctor names the adapter and checks every kernel', async () => {
  const { code, stdout } = await run('doctor');
  expect(stdout).toMatch(/^adapter +\S+/m);
  expect(stdout).toMatch(/^✓ matmul /m);
  expect(stdout).toMatch(/^✓ attention-decode /m);
  expect(stdout).not.toContain('✗');
  const [, passed, all] = /(\d+) of (\d+) checks passed/.exec(stdout)!;
  expect(passed).toBe(all);
  expect(Number(all)).toBeGreaterThan(20);
  expect(code).toBe(0);
});

test('help, version, and what is not known', async () => {
  const help = await run('--help');
  expect(help.code).toBe(0);
  for (const name of ['translate', 'info', 'doctor']) expect(help.stdout).toContain(name);
  expect((await run()).stdout).toBe(help.stdout);
  expect((await run('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expectRefusal(await run('tarnslate', 'a'), 'Unknown command "tarnslate"', 'translate TEXT');
  expectRefusal(await run('translate', 'a', '--language', 'de'), "'--language'");
});
