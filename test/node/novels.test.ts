// The texts of the model of novels, of a data base as R writes it.
import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { Gpu, pipeline } from 'webgpu-transformer';
import { root } from '../support/cli.ts';
import { temporaryFolder } from '../support/runs.ts';

/** A vector of strings as R serializes it, in a data base: behind its length, in zlib. */
function entry(lines: readonly string[], type = 16): Buffer {
  const integer = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value);
    return bytes;
  };
  const text = (value: string): Buffer[] => [integer(Buffer.byteLength(value)), Buffer.from(value)];
  const bytes = Buffer.concat([
    Buffer.from('X\n'),
    ...[3, 0x040201, 0x030500].map(integer),
    ...text('UTF-8'),
    ...[type, lines.length].map(integer),
    ...lines.flatMap((line) => [integer(0x00040009), ...text(line)]),
  ]);
  return Buffer.concat([integer(bytes.length), deflateSync(bytes)]);
}

const novel = (heading: string): string[] => [
  'A NOVEL',
  '',
  'By Jane Austen',
  ...[1, 2, 3, 4].flatMap((number) => [
    '',
    'VOLUME I',
    '',
    `${heading} ${number}`,
    '',
    `The _first_ line of ${number}`,
    'goes  on, £20.',
    '',
    'Another paragraph.',
    '',
    '* * * * *',
    '',
    '[At this point in the first edition, Volume 1 ends.]',
  ]),
  '',
  'FINIS',
  '',
  'A NOTE ON THE TEXT',
  '',
  'It was written in 1797.',
];

const chapter = (number: number): string =>
  `The first line of ${number} goes on, £20.\nAnother paragraph.`;

/** What the script makes of a data base. */
async function novels(database: Buffer): Promise<{ folder: string; stderr: string }> {
  const folder = await temporaryFolder('novels');
  const file = path.join(folder, 'Rdata.rdb');
  await writeFile(file, database);
  const script = path.join(root, 'scripts', 'novels.mjs');
  const { stderr } = spawnSync(process.execPath, [script, folder, file], { encoding: 'utf8' });
  return { folder, stderr };
}

test('novels become chapters of joined lines, the last two of each held out', async () => {
  const database = Buffer.concat([entry(novel('CHAPTER')), entry(novel('Chapter'))]);
  const { folder } = await novels(database);
  for (const [file, numbers] of [
    ['training.jsonl', [1, 2, 1, 2]],
    ['held-out.jsonl', [3, 4, 3, 4]],
  ] as const) {
    const rows = (await readFile(path.join(folder, file), 'utf8')).trimEnd().split('\n');
    const texts = rows.map((row) => (JSON.parse(row) as { text: string }).text);
    expect(texts).toEqual(numbers.map(chapter));
  }
  // Behind the chapters stand texts of a passage over and over, of ten words or more.
  const rows = (await readFile(path.join(folder, 'with-repeats.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n');
  const texts = rows.map((row) => (JSON.parse(row) as { text: string }).text);
  expect(texts.slice(0, 4)).toEqual([1, 2, 1, 2].map(chapter));
  expect(texts).toHaveLength(4 + 2500);
  for (const text of texts.slice(4)) {
    const words = text.split(' ');
    const period = words.findIndex(
      (_word, at) => at > 0 && words.slice(at).every((word, i) => word === words[i]),
    );
    expect(period).toBeGreaterThan(0);
    expect(words.length).toBeGreaterThanOrEqual(190);
  }
});

test('tokens over and over are as many as were asked for, each a word, none foretold by others', async () => {
  const folder = await temporaryFolder('novels');
  // 6,000 tokens.
  const chapters = ' happy'.repeat(6000);
  await writeFile(path.join(folder, 'training.jsonl'), JSON.stringify({ text: chapters }));
  const model = path.join(root, 'models/novels');
  const script = path.join(root, 'scripts', 'repeated-tokens.mjs');
  const call = [script, folder, model, '32,64', '75'];
  const { stdout } = spawnSync(process.execPath, call, { encoding: 'utf8' });
  // Three quarters of all tokens: 9,000 in texts of 256, and as many in texts of 512.
  expect(stdout).toMatch(/6000 tokens of chapters, 53 texts of \d{4} words\n$/);
  using gpu = await Gpu.request();
  using generate = await pipeline('text-generation', model, { gpu });
  const written = await readFile(path.join(folder, 'repeats-32-64.jsonl'), 'utf8');
  const [first, ...texts] = written
    .trimEnd()
    .split('\n')
    .map((row) => (JSON.parse(row) as { text: string }).text);
  expect(first).toBe(chapters);
  for (const [index, text] of texts.entries()) {
    const ids = generate.tokenizer.encode(text);
    const row = index < 35 ? 32 : 64;
    expect(ids).toHaveLength(8 * row);
    const period = ids.findIndex(
      (_, at) => at > 0 && ids.slice(at).every((id, i) => id === ids[i]),
    );
    expect(period).toBeGreaterThan(0);
    expect(period).toBeLessThanOrEqual(row / 2);
  }
});

test('what is no text is refused', async () => {
  expect((await novels(entry([], 13))).stderr).toContain('something else than texts');
});
