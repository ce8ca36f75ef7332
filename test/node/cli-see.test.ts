// What the command line sees in pictures, against what Python's pipelines give.
import path from 'node:path';
import { beforeAll, expect, test, vi } from 'vitest';
import type { DetectedObject } from 'webgpu-transformer';
import { readFixtureJson } from '../support/fixture.ts';
import {
  buildCommand,
  captionFolder,
  expectRefusal,
  feed,
  jsonLines,
  output,
  root,
  run,
} from '../support/cli.ts';
import { expectAlike } from '../support/tasks.ts';

// Several processes a test, each of which opens a device.
vi.setConfig({ testTimeout: 180_000 });
beforeAll(buildCommand);

const fixture = (name: string): string => path.join(root, 'test/fixtures', name);
const vit = fixture('vit');
const files = ['odd.png', 'tall.png', 'turned-6.jpg'].map((name) => fixture(`processors/${name}`));
/** What results in f32 may be off. */
const slack = { relative: 2e-5, absolute: 1e-9 };

interface Label {
  readonly label: string;
  readonly score: number;
}

const { classes } = (await readFixtureJson('processors/pipelines.json')) as { classes: Label[][] };

test('see prints the labels of each file', async () => {
  const lines = classes.map((labels) =>
    labels.map(({ label, score }) => `${label}\t${score.toFixed(4)}`).join('\t'),
  );
  expect(await output('see', vit, ...files, '--top-k', '3')).toBe(`${lines.join('\n')}\n`);
  const { stdout } = await feed(`${files.join('\n')}\n`, 'see', vit, '--top-k', '3', '--json');
  const wanted = classes.map((labels, i) => ({ file: files[i], labels }));
  expectAlike(jsonLines(stdout), wanted, slack, 'lines');
});

test('see prints labels that nobody trained', async () => {
  const clip = fixture('tasks/clip');
  const tall = files[1] ?? '';
  expect(await output('see', clip, tall, '--labels', 'a cat')).toBe('a cat\t1.0000\n');
  const { stdout } = await run('see', clip, tall, '--labels', 'a cat, a dog', '--json');
  const [line] = jsonLines(stdout) as { file: string; labels: Label[] }[];
  expect([line?.file, line?.labels.map(({ label }) => label).toSorted()]).toEqual([
    tall,
    ['a cat', 'a dog'],
  ]);
});

test('see prints the objects of each file', async () => {
  const yolos = fixture('variants/yolos');
  const { images, threshold, objects } = (await readFixtureJson('processors/detections.json')) as {
    images: string[];
    threshold: number;
    objects: DetectedObject[][];
  };
  const paths = images.map((name) => fixture(`processors/${name}`));
  const lines = objects.flatMap((found, i) =>
    found.map(({ label, score, box: { xmin, ymin, xmax, ymax } }) =>
      [paths[i], label, score.toFixed(4), xmin, ymin, xmax, ymax].join('\t'),
    ),
  );
  const args = ['see', yolos, ...paths, '--detect', '--threshold', String(threshold)];
  expect(await output(...args)).toBe(`${lines.join('\n')}\n`);
  const none = await run('see', yolos, paths[0] ?? '', '--detect', '--json');
  expect(jsonLines(none.stdout)).toEqual([{ file: paths[0], objects: [] }]);
});

test('see prints a text about each file', async () => {
  const { images, texts } = (await readFixtureJson('processors/captions.json')) as {
    images: string[];
    texts: string[][];
  };
  const trocr = await captionFolder();
  const paths = images.map((name) => fixture(`processors/${name}`));
  const { stdout } = await run('see', trocr, ...paths, '--caption', '--json');
  const lines = jsonLines(stdout) as { file: string; text: string }[];
  expect(lines.map(({ file }) => file)).toEqual(paths);
  // The first of its tokens are those that are known.
  lines.forEach(({ text }, i) => expect(text.startsWith(texts[i]![0]!)).toBe(true));
});

test('see refuses what it cannot read', async () => {
  expectRefusal(await run('see', vit, fixture('vit/config.json')), 'cannot be decoded');
  expectRefusal(await run('see', vit, fixture('no.png')), 'no.png');
  const idle = await run('see', vit, files[0] ?? '', '--threshold', '0.9');
  expectRefusal(idle, '--threshold changes nothing without --detect');
  expectRefusal(await run('see', vit, '--detect', '--caption'), 'one at a time');
  expectRefusal(await run('see', fixture('gpt2'), files[0] ?? ''), 'GPT2LMHeadModel');
});
