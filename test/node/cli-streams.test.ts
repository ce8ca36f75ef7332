// Streams and files that fail under the command: a line that says so and the exit status, never a stack.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildCommand, commandLine, type Ended, expectRefusal, root, run } from '../support/cli.ts';

beforeAll(buildCommand);
const folder = await mkdtemp(path.join(tmpdir(), 'streams-'));
afterAll(() => rm(folder, { recursive: true }));

/** Runs a call in a shell that redirects streams; `$CLI` is the command. */
function shell(script: string): Promise<Ended> {
  const env = { ...process.env, CLI: commandLine.map((word) => `'${word}'`).join(' ') };
  const line = script.replaceAll('$CLI', env.CLI);
  return new Promise((resolve) => {
    execFile(
      '/bin/sh',
      ['-c', line],
      { cwd: root, env, timeout: 50_000 },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

test.each([
  ['help > /dev/full', 1, 'ENOSPC'],
  ['--version > /dev/full', 1, 'ENOSPC'],
  ["translate 'in 3 days' --to fr --quiet > /dev/full", 1, 'ENOSPC'],
  ['help > /dev/full 2> /dev/full', 1, ''],
  ['nonsense 2> /dev/full', 2, ''],
  ['translate --to fr --quiet < /tmp', 2, 'There is no text'],
  ['translate --to fr --quiet <&-', 2, 'There is no text'],
])('%s', async (call, code, told) => {
  const { code: got, stderr } = await shell(`$CLI ${call}`);
  expect([got, stderr]).toEqual([code, stderr.includes(told) ? stderr : told]);
  expect(stderr).not.toMatch(/^ +at |\.js:\d/m);
  expect(stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
});

test('a reader that stops, text that is no UTF-8, a locale that is none', async () => {
  expect(await shell('$CLI help train | head -c 5')).toMatchObject({ code: 0, stderr: '' });
  // No phrase of the field has what stands for the broken byte.
  const lines = String.raw`in 3 days\377\nin 3 days\n`;
  const broken = await shell(`printf '${lines}' | $CLI translate --to fr --quiet`);
  expect(broken).toMatchObject({ code: 0, stdout: '\ndans 3 jours\n' });
  expect(
    await shell("LC_ALL=xx_YY.none LANG=zz $CLI translate 'in 3 days' --to fr --quiet"),
  ).toEqual({
    code: 0,
    stdout: 'dans 3 jours\n',
    stderr: '',
  });
});

test('a folder where a file belongs, a file where a folder does', async () => {
  const place = (...names: string[]): string => path.join(folder, ...names);
  for (const name of ['config.json', 'model.safetensors', 'tokenizer.json']) {
    await mkdir(place('model', name), { recursive: true });
  }
  await mkdir(place('run', 'log.jsonl'), { recursive: true });
  await writeFile(place('file'), 'x');
  expectRefusal(await run('info', place('model')), 'config.json');
  expectRefusal(await run('classify', place('file'), 'x'), 'is a file, wanted a directory');
  const train = ['train', '--quiet', '--steps', '1', '--from', 'models/phrases'];
  expectRefusal(
    await run(...train, '--out', place('a'), '--data', folder),
    'is the folder',
    'Pass a file',
  );
  await writeFile(place('pairs.tsv'), 'a\tb\n');
  const data = ['--data', place('pairs.tsv')];
  expectRefusal(await run(...train, ...data, '--out', place('file')), 'file');
  expectRefusal(await run(...train, ...data, '--out', place('run')), 'log.jsonl');
});
