// The command line as users run it: translate, info, doctor.
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { buildCommand, expectRefusal, root, run } from '../support/cli.ts';

beforeAll(buildCommand);

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
  expectRefusal(
    await run('translate', 'in 3 days', '--to', 'xx'),
    '"xx"',
    'de, en, es, fr, it, ja, pt, zh',
  );
  expectRefusal(
    await run('translate', 'in 3 days'),
    'to is missing',
    'de, en, es, fr, it, ja, pt, zh',
  );
  expectRefusal(await run('translate', '--to', 'de'), 'nothing to translate');
  expectRefusal(await run('translate', ' ', '--to', 'de'), 'text to translate is blank');
  const outside = await run('translate', 'in 3 days ≥', '--to', 'fr', '--quiet');
  expect(outside.code).toBe(0);
  expect(outside.stderr).toMatch(/^The model has no token for «≥», .*outside of its field/m);
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
  expectRefusal(await run('info'), 'info SOURCE');
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
  const tasks = ['translate', 'generate', 'classify', 'embed', 'ask'];
  for (const name of [...tasks, 'train', 'evaluate', 'info', 'doctor'])
    expect(help.stdout).toContain(name);
  expect((await run()).stdout).toBe(help.stdout);
  expect((await run('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expectRefusal(await run('tarnslate', 'a'), 'Unknown command "tarnslate"', '"translate"?');
  expectRefusal(await run('--quiet', 'translate'), '"--quiet"', 'A command comes first');
  expectRefusal(await run('doctor', 'who'), "'who'");
  expectRefusal(await run('translate', 'a', '--modle', 'de'), "'--modle'", '"--model"');
  expectRefusal(await run('evaluate', '--sed', '3'), "'--sed'", '"--seed"');
  expectRefusal(await run('train', '--sed', '3'), "'--sed'", '"--seed"');
});
