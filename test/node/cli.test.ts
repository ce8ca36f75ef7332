// The command line as users run it: translate, info, doctor.
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { commands } from '../../src/cli/commands.ts';
import { readOptions } from '../../src/cli/options.ts';
import {
  buildCommand,
  expectRefusal,
  feed,
  head,
  jsonLines,
  output,
  root,
  run,
  runIn,
  runOpen,
} from '../support/cli.ts';
import { here } from '../support/cli-here.ts';

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

test('translate reads lines of stdin and prints JSON', async () => {
  const { code, stdout, stderr } = await feed('in 3 days\n\nin 4 days', 'translate', '--to', 'fr');
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: 'dans 3 jours\n\ndans 4 jours\n',
    stderr: '',
  });
  const args = ['in 3 days', '--to', 'de', '--json', '--dtype', 'f32'];
  const [line] = jsonLines(await output('translate', ...args)) as { score: number }[];
  expect(line).toMatchObject({ text: 'in 3 days', translationText: 'in 3 Tagen' });
  expect(line!.score).toBeCloseTo(0.99, 1);
});

test('a text may begin with a dash', async () => {
  const [text, ...rest] = ['-3 weeks', '--to', 'fr', '--json'];
  const [bare] = jsonLines(await output('translate', text, ...rest)) as { text: string }[];
  expect(bare?.text).toBe(text);
  expect(jsonLines(await output('translate', ...rest, '--', text))).toEqual([bare]);
  expectRefusal(await run('translate', '--', text, ...rest), 'Put --to before it');
});

test('the examples of --help are right', async () => {
  const seen: string[] = [];
  for (const [name, { examples, options }] of commands) {
    expect(examples.length).toBeGreaterThan(0);
    for (const { call, prints } of examples) {
      const words = call.split(/ [<>] /)[0]!.match(/"[^"]*"|\S+/g)!;
      const args = words.map((word) => word.replaceAll('"', ''));
      const names = name.split(' ');
      expect(args.slice(0, names.length)).toEqual(names);
      // Throws for options that the command does not know.
      readOptions(args.slice(names.length), options);
      if (prints === undefined) continue;
      const [first] = (await output(...args)).split('\n\n');
      expect(first?.trimEnd()).toBe(prints);
      seen.push(call);
    }
  }
  expect(seen.length).toBeGreaterThan(1);
});

test('commands end by themselves, whatever stdin and stdout do', async () => {
  // Input that stays open is not waited for where the texts are given.
  const open = await runOpen('translate', 'in 3 days', '--to', 'de', '--quiet');
  expect(open).toEqual({ code: 0, stdout: 'in 3 Tagen\n', stderr: '' });
  // Who reads the output may stop, as head does.
  const lines = 'in 3 days\n'.repeat(300);
  const { code, stdout, stderr } = await head(lines, 'translate', '--to', 'de');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.startsWith('in 3 Tagen\n')).toBe(true);
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
  expectRefusal(await run('translate', '--to', 'de'), 'There is no text');
  expectRefusal(await run('translate', ' ', '--to', 'de'), 'text to translate is blank');
  const outside = await run('translate', 'in 3 days ≥', '--to', 'fr', '--quiet');
  expect(outside.code).toBe(0);
  expect(outside.stderr).toMatch(
    /^The model has no token for «≥», .*outside of its field; it has no translation\.$/m,
  );
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
  expect(stdout).toMatch(/^kernels +in (registers|workgroup memory), /m);
  expect(stdout).toMatch(/^✓ matmul /m);
  expect(stdout).toMatch(/^✓ attention-decode /m);
  expect(stdout).not.toContain('✗');
  const [, passed, all] = /(\d+) of (\d+) checks passed/.exec(stdout)!;
  expect(passed).toBe(all);
  expect(Number(all)).toBeGreaterThan(20);
  expect(code).toBe(0);
});

test('doctor stores the result of a model, and tells one that differs', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'doctor-'));
  try {
    await cp(path.join(root, 'test', 'fixtures', 'gpt2'), folder, { recursive: true });
    const place = path.join(folder, 'webgpu-transformer.check.json');
    const written = await run('doctor', '--model', folder, '--write-check');
    expect(written.stdout).toContain('✓ model: its result is finite; none is stored');
    expect(written.stdout).toContain('wrote webgpu-transformer.check.json');
    const stored = JSON.parse(await readFile(place, 'utf8')) as { values: number[] };
    stored.values[3]! += 1;
    await writeFile(place, JSON.stringify(stored));
    const { code, stdout, stderr } = await run('doctor', '--model', folder);
    expect(stdout).toContain('✗ model: logits[');
    expect(stderr).toMatch(/^logits\[\d+\] is \S+, but webgpu-transformer\.check\.json .* has /);
    expect(code).toBe(1);
  } finally {
    await rm(folder, { recursive: true });
  }
  expectRefusal(await run('doctor', '--model', 'hf:a/b', '--write-check'), '--model DIR');
  expectRefusal(await run('doctor', '--write-check'), '--model DIR');
});

test('doctor tells programs the same', async () => {
  const [told] = jsonLines(await output('doctor', '--json')) as {
    adapter: { route: string };
    found: { backend: string; adapters: string[] }[];
    checks: { passed: boolean }[];
  }[];
  expect(told?.found.flatMap(({ adapters }) => adapters).length).toBeGreaterThan(0);
  expect(told?.adapter.route).toMatch(/^Dawn on /);
  expect(told?.checks.every(({ passed }) => passed)).toBe(true);
  expectRefusal(
    await runIn({ WEBGPU_TRANSFORMER_ADAPTER: 'metal' }, 'doctor'),
    'no adapter "metal"',
    told!.found[0]!.backend,
  );
});

async function printed(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await here(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

test('every command has its help, in each way that is asked for it', async () => {
  const help = await output('--help');
  expect(await printed('help')).toBe(help);
  expect(await printed()).toBe(help);
  for (const [name, { form, options }] of commands) {
    expect(help).toMatch(new RegExp(`^  ${name} `, 'm'));
    const own = await printed('help', name);
    expect(own).toContain(`Usage: webgpu-transformer ${form}\n`);
    for (const option of Object.keys(options)) expect(own).toContain(`  --${option}`);
    for (const line of own.split('\n')) {
      if (!line.startsWith('  webgpu-transformer')) expect(line.length).toBeLessThanOrEqual(80);
    }
  }
  const own = await printed('help', 'translate');
  expect(await printed('translate', '--to', 'fr', '--help')).toBe(own);
  expect(await printed('translate', '-h')).toBe(own);
  expect(await printed('--help', 'translate')).toBe(own);
});

test('version, and what is not known', async () => {
  expect(await output('--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
  const unknown = await run('tarnslate', 'a');
  expect(unknown).toEqual({
    code: 2,
    stdout: '',
    stderr:
      'Unknown command "tarnslate". A command comes first. Did you mean "translate"?\n' +
      'Try: webgpu-transformer help\n',
  });
  expectRefusal(await here('help', 'tarnslate'), '"translate"?');
  expectRefusal(await here('--quiet', 'translate'), '"--quiet"', 'A command comes first');
  expectRefusal(await here('doctor', 'who'), "'who'");
  expectRefusal(await here('jobs'), '"jobs create" or "jobs work"');
  expectRefusal(await here('jobs', 'wrok'), '"jobs create" or "jobs work"');
  const misspelt = await here('translate', 'a', '--modle', 'de');
  expect(misspelt).toEqual({
    code: 2,
    stdout: '',
    stderr:
      'Unknown option \'--modle\'. Did you mean "--model"?\n' +
      'Try: webgpu-transformer help translate\n',
  });
  expectRefusal(await here('evaluate', '--sed', '3'), "'--sed'", '"--seed"');
  expectRefusal(await here('train', '--sed', '3'), "'--sed'", '"--seed"');
  expect((await here('info', 'no-such-folder')).code).toBe(1);
});
