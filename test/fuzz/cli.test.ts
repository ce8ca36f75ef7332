// Options of the command line, from the tables of its commands, with values that nobody means: a message of a
// line, the exit status 1 or 2, never a stack. No case gets as far as a model.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, vi } from 'vitest';
import { commands } from '../../src/cli/commands.ts';
import { runCommandLine } from '../../src/cli/run.ts';
import { cases } from '../support/fuzz.ts';

const folder = await mkdtemp(path.join(tmpdir(), 'cli-'));
afterAll(() => rm(folder, { recursive: true }));

const values =
  `-1 0 0.5 1e999 NaN -Infinity 0x10 1_000 9007199254740993 2147483648 x f16 true , ,, a,,b * (a+)+$ ../..
  hf: hf:/ http:// https://[ --json - -- %s%d №`
    .split(/\s+/)
    .concat('', ' ', '\n', '\u0000', '\ud800', 'a'.repeat(5000));

/** Where a call leads that is right: to a model that is not there. */
const missing: Readonly<Record<string, readonly string[]>> = {
  translate: ['in 3 days', '--model', folder],
  evaluate: [folder],
  train: ['--from', folder, '--data', path.join(folder, 'none.tsv'), '--out', folder],
  doctor: ['--unheard-of'],
};

cases('calls of commands', 400, async (random) => {
  const [name, { options }] = random.pick([...commands]);
  const args = [...(missing[name] ?? [folder, 'text'])];
  for (let i = random.integer(1, 3); i > 0; i--) {
    const option = random.pick(Object.keys(options).concat('unheard-of', ''));
    const value = random.pick(values);
    args.push(...random.pick([[`--${option}=${value}`], [`--${option}`, value], [`--${option}`]]));
  }
  const told: unknown[] = [];
  const spies = [
    vi.spyOn(console, 'error').mockImplementation((text) => void told.push(text)),
    vi.spyOn(console, 'log').mockImplementation(() => undefined),
  ];
  process.exitCode = 0;
  try {
    await runCommandLine([...name.split(' '), ...args]);
    const text = told.join('\n');
    const code = process.exitCode;
    expect({ args, text, code }).toMatchObject({ code: /\nTry: /.test(text) ? 2 : 1 });
    expect(told.every((line) => typeof line === 'string')).toBe(true);
    expect(text).not.toMatch(/^ +at /m);
    expect(text.length).toBeLessThan(6000);
  } finally {
    process.exitCode = 0;
    for (const spy of spies) spy.mockRestore();
  }
});
