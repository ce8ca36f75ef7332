// What the command line is made of: progress on a terminal, verdicts, options, pairs of a file.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { verdict } from '../../src/cli/train/evaluate.ts';
import { duration, Progress, progressLine } from '../../src/cli/progress.ts';
import { loadTokenizer, shuffled } from 'webgpu-transformer/training';
import { parsePairs, splitPairs } from '../../src/cli/train/data.ts';
import { newModel } from '../../src/cli/train/new-model.ts';
import { packedData } from '../../src/cli/train/packed.ts';
import { trainSettings } from '../../src/cli/train/settings.ts';
import { narrowField } from '../../src/phrases/fields.ts';
import { unseenPhrases } from '../../src/phrases/phrases.ts';
import { courses } from '../../src/phrases/courses.ts';
import { defaultRecipe } from '../../src/phrases/recipe.ts';
import { scorePhrases } from '../../src/phrases/score.ts';
import { expectError } from '../support/safetensors.ts';

test('a bar fills up and never wraps', () => {
  expect(progressLine(250, 1000, 'loss 1.5', 43)).toBe(
    '[#####...............]  250/1000  loss 1.5',
  );
  expect(progressLine(250, 1000, 'loss 1.5', 80)).toBe(
    '[########......................]  250/1000  loss 1.5',
  );
  expect(progressLine(7, 7, '', 30)).toMatch(/^\[#+\] 7\/7 +$/);
  for (const columns of [1, 8, 20, 40, 60, 80, 200]) {
    expect(progressLine(1, 3, 'loss 1.0  5 tokens/s', columns).length).toBeLessThan(columns);
  }
});

test('the texts of a new language model are read once, for its tokenizer and its rows', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'new-model-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const config = { model_type: 'gpt2', architectures: ['GPT2LMHeadModel'], vocab_size: 270 };
  const sizes = { n_positions: 16, n_embd: 8, n_layer: 1, n_head: 2 };
  await writeFile(path.join(folder, 'config.json'), JSON.stringify({ ...config, ...sizes }));
  const data = path.join(folder, 'texts.jsonl');
  const wanted = ['the cat sat on the mat', 'the hat of the cat', 'the rat'];
  await writeFile(data, wanted.map((text) => JSON.stringify({ text })).join('\n'));
  const settings = {
    recipe: { ...defaultRecipe, batchSize: 2 },
    course: 'narrow',
    freeze: [],
    data,
  } as const;
  const { source, texts } = await newModel(folder, settings);
  expect(texts).toEqual(wanted);
  await rm(data);
  const tokenizer = await loadTokenizer(source);
  const { summary } = await packedData(data, settings, tokenizer, { positions: 16, texts });
  expect(summary).toMatch(/^\d+ tokens of .*texts.jsonl, \d+ held out, rows of 16$/);
  await expectError(packedData(data, settings, tokenizer, { positions: 16 }), 'FILE_NOT_FOUND');
});

test('progress is one line on a terminal, and nothing elsewhere', () => {
  const written: string[] = [];
  const write = (text: string): void => void written.push(text);
  const file = new Progress(3, { write });
  file.show(1, 'a');
  file.clear();
  expect([file.isShown, written]).toEqual([false, []]);

  const terminal = new Progress(3, { write, isTTY: true, columns: 40 });
  terminal.show(1, 'first');
  terminal.show(2, 'too soon after the first');
  terminal.show(3, 'last');
  terminal.clear();
  terminal.clear();
  expect(written).toHaveLength(3);
  expect(written.map((text) => text.startsWith('\r\u001B[2K'))).toEqual([true, true, true]);
  expect(written.join('')).toMatch(/1\/3 {2}first.*3\/3 {2}last/s);
  expect(written.join('')).not.toContain('\n');
});

test('durations read well', () => {
  expect([0.4, 59.4, 59.6, 303, 3600, 7530].map(duration)).toEqual([
    '0 s',
    '59 s',
    '1 min 0 s',
    '5 min 3 s',
    '1 h 0 min',
    '2 h 5 min',
  ]);
});

test('the bar of evaluation holds overall and in each direction', () => {
  const phrases = unseenPhrases(3, 25);
  /** The verdict when `wrong` answers of the first `among` directions are wrong, in turn. */
  const judge = (wrong: number, among: number): ReturnType<typeof verdict> => {
    const left = new Map(
      narrowField.directions
        .slice(0, among)
        .map(({ from, to }, i) => [`${from}-${to}`, Math.ceil((wrong - i) / among)]),
    );
    const answers = phrases.map(({ from, to, answers: [right] }) => {
      const count = left.get(`${from}-${to}`) ?? 0;
      left.set(`${from}-${to}`, count - 1);
      return count > 0 ? 'wrong' : right;
    });
    return verdict(scorePhrases(answers, phrases), { overall: 0.99, direction: 0.97 });
  };
  expect(phrases).toHaveLength(1200);
  expect(judge(0, 1)).toEqual({
    passed: true,
    line: expect.stringMatching(/^passed: 100\.0 % overall .*100\.0 % in/) as string,
  });
  expect(judge(12, 12).passed).toBe(true);
  expect(judge(13, 12).passed).toBe(false);
  expect(judge(13, 12).line).toMatch(/^failed: 98\.9 % overall/);
  expect(judge(3, 1).passed).toBe(true);
  expect(judge(4, 1)).toEqual({
    passed: false,
    line: expect.stringMatching(/^failed: 99\.6 % overall .*96\.0 % in de-en/) as string,
  });
});

test('pairs are read line by line, and wrong lines named', async () => {
  expect(parsePairs('\uFEFFa\tb\r\n\r\nc d\te\n', 'f')).toEqual([
    { source: 'a', target: 'b', line: 1 },
    { source: 'c d', target: 'e', line: 3 },
  ]);
  for (const line of ['a', 'a\t', '\tb', 'a\tb\tc', ' \tb']) {
    await expectError(
      () => parsePairs(`x\ty\n${line}\n`, 'f.tsv'),
      'FILE_INVALID',
      'f.tsv, line 2',
    );
  }
  await expectError(() => parsePairs('\n\n', 'f.tsv'), 'FILE_INVALID', 'no pairs');
});

test('a text is either trained on or held out, with all its targets', () => {
  const pairs = Array.from({ length: 200 }, (_, i) => ({
    source: `source ${i % 100}`,
    target: `target ${i}`,
    line: i + 1,
  }));
  const { training, heldOut } = splitPairs(pairs, 4);
  expect(heldOut).toHaveLength(5);
  expect(training).toHaveLength(190);
  for (const { source, answers } of heldOut) {
    expect(training.some((pair) => pair.source === source)).toBe(false);
    const i = Number(source.split(' ')[1]);
    expect(answers).toEqual([`target ${i}`, `target ${i + 100}`]);
  }
  expect(splitPairs(pairs, 4)).toEqual({ training, heldOut });
  expect(splitPairs(pairs, 5).heldOut).not.toEqual(heldOut);
  expect(splitPairs(pairs.slice(0, 19), 4).heldOut).toEqual([]);
});

test('each pass over the pairs has all of them, in an order of its own', () => {
  const pairAt = shuffled([0, 1, 2, 3, 4, 5, 6, 7], 2);
  const passes = [0, 1, 2].map((pass) => Array.from({ length: 8 }, (_, i) => pairAt(8 * pass + i)));
  for (const pass of passes)
    expect(pass.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(new Set(passes.map(String)).size).toBe(3);
  expect(pairAt(11)).toBe(passes[1]![3]);
});

test('the options of train define a run, and resuming keeps to them', async () => {
  const out = await mkdtemp(path.join(tmpdir(), 'train-options-'));
  onTestFinished(() => rm(out, { recursive: true }));
  const settings = (...args: string[]): ReturnType<typeof trainSettings> =>
    trainSettings(['--out', out, ...args]);
  expect(await settings()).toMatchObject({ recipe: defaultRecipe, course: 'narrow' });
  for (const [course, ...args] of [
    ['quick', '--quick'],
    ['wide', '--field', 'wide'],
  ] as const) {
    const { recipe } = courses[course];
    expect(await settings(...args)).toMatchObject({ recipe, course });
  }
  expect((await trainSettings([])).out).toBe(path.resolve('runs/phrases'));
  // A short run warms up for the same part of its steps, a long one no longer than the recipe.
  expect((await settings('--steps', '100')).recipe).toMatchObject({ steps: 100, warmupSteps: 6 });
  expect((await settings('--steps', '50000')).recipe.warmupSteps).toBe(defaultRecipe.warmupSteps);
  expect(
    await settings('--from', 'a', '--data', 'b', '--freeze', 'c', '--freeze', 'd'),
  ).toMatchObject({
    recipe: { steps: 1000, learningRate: 2e-4, warmupSteps: 60 },
    from: 'a',
    data: path.resolve('b'),
    freeze: ['c', 'd'],
  });
  const fresh = ['--new', 'a', '--data', 'b', '--held-out', 'c', '--pack', '64'];
  expect(await settings(...fresh)).toMatchObject({
    recipe: { steps: 2000, batchSize: 32, learningRate: 1e-3, warmupSteps: 120 },
    new: 'a',
    data: path.resolve('b'),
    heldOut: path.resolve('c'),
    pack: 64,
  });

  const refuse = (args: string[], ...parts: string[]): Promise<unknown> =>
    expectError(settings(...args), 'OPTION_INVALID', ...parts);
  await refuse(['--batch-size', '2.5'], '--batch-size', 'whole number');
  await refuse(['--learning-rate', 'fast'], '--learning-rate', '"fast"');
  await refuse(['--learning-rate', '0'], '--learning-rate', 'above 0');
  await refuse(['--dtype', 'int8'], '--dtype', 'f32 or f16');
  await refuse(['--data', 'pairs.tsv'], '--data needs --from', '--new');
  await refuse(['--new', 'a'], '--new needs --data');
  await refuse(['--new', 'a', '--from', 'b', '--data', 'c'], '--new', '--from');
  await refuse(['--pack', '8'], '--pack', '--data');
  await refuse(['--from', 'a', '--data', 'b', '--pack', '1'], '--pack is "1"', 'at least 2');
  await refuse(['--from', 'a', '--data', 'b', '--held-out', 'c'], '--held-out', '--pack');
  await refuse(['--from', out], '--from and --out');
  await refuse(['--learning-rate', '-1'], '--learning-rate is "-1"', 'above 0');
  await refuse(['more'], "'more'");
  await refuse(['--field', 'any'], '--field', 'narrow or wide');
  await refuse(['--quick', '--field', 'wide'], '--quick', '--field');
  await expectError(settings('--resume'), 'FILE_NOT_FOUND', 'no run to resume', out);

  await writeFile(path.join(out, 'training_state.safetensors'), '');
  await refuse([], 'run in', '--resume');
  await refuse(['--resume', '--seed', '2'], '--seed', 'fixed');
  await expectError(settings('--resume'), 'FILE_UNREADABLE', 'training.json');
  const recipe = { ...defaultRecipe, seed: 9, batchSize: 7 };
  const file = path.join(out, 'training.json');
  await writeFile(file, JSON.stringify({ recipe, course: 'quick', freeze: ['a'] }));
  const resumed = await settings('--resume', '--steps', '6000');
  expect(resumed).toMatchObject({
    recipe: { ...recipe, steps: 6000 },
    course: 'quick',
    freeze: ['a'],
  });
  for (const wrong of [
    { recipe: { seed: 9 }, course: 'quick', freeze: [] },
    { recipe, course: 'endless', freeze: [] },
    { recipe, course: 'quick', freeze: [], pack: 'all' },
    { recipe, course: 'quick', freeze: [], new: 1 },
  ]) {
    await writeFile(file, JSON.stringify(wrong));
    await expectError(settings('--resume'), 'FILE_INVALID', 'training.json');
  }
});
