// train on the command line, of detectors: tiny runs in processes of their own.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, expect, test, vi } from 'vitest';
import { buildCommand, expectRefusal, root, run } from '../support/cli.ts';
import { detectorFolder, drawBlocks, jsonLines, objectRow } from '../support/objects.ts';
import { readLog, temporaryFolder } from '../support/runs.ts';

// Several processes a test, each of which opens a device.
vi.setConfig({ testTimeout: 300_000 });
beforeAll(buildCommand);

interface LogLine {
  readonly step: number;
  readonly loss: number;
  readonly map?: number;
  readonly map50?: number;
  readonly map75?: number;
}

const short = ['--batch-size', '4', '--learning-rate', '0.003', '--dtype', 'f32'];

test('a detector learns labels of its own from a table, and goes on', async () => {
  const folder = await temporaryFolder('train-objects');
  const from = await detectorFolder(folder);
  const [data, out] = [path.join(folder, 'blocks'), path.join(folder, 'out')];
  const drawn = await drawBlocks(data, 40);
  // One picture in ten says that there is nothing.
  const rows = drawn.map((one, i) => objectRow(one, i % 10 === 9 ? [] : ['block']));
  const table = path.join(data, 'metadata.jsonl');
  await writeFile(table, jsonLines(rows));
  const asked = ['train', '--from', from, '--data', data, ...short, '--evaluate-every', '20'];
  const steps = ['--steps', '40', '--metric', 'map50'];
  const { code, stderr, stdout } = await run(...asked, '--out', out, ...steps);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('labels      1: block\n');
  expect(stdout).toMatch(/note +New, .*"class_labels_classifier\.layers\.2\.weight"/);
  expect(stdout).toMatch(/data +38 pictures with objects of 1 labels of .*blocks, 2 held out/);
  expect(stdout).toMatch(/step 40\/40 .* map 0\.\d{4} {2}map50 [01]\.\d{4} {2}map75 [01]\.\d{4}\n/);
  expect(stdout).toMatch(/The best is that of step (20|40), map50 /);
  const log = await readLog<LogLine>(out);
  expect(log.map(({ step }) => step)).toEqual([20, 25, 40]);
  expect(log.map(({ map, map50, map75 }) => typeof (map ?? map50 ?? map75))).toEqual([
    'number',
    'undefined',
    'number',
  ]);
  expect(log.at(-1)!.loss).toBeLessThan(0.8 * log[0]!.loss);
  const more = await run('train', '--resume', '--out', out, '--steps', '41', '--dtype', 'f32');
  expect({ code: more.code, stderr: more.stderr }).toEqual({ code: 0, stderr: '' });
  const picture = path.join(data, '1.png');
  const seen = await run('see', out, picture, '--detect', '--threshold', '0.01');
  expect(seen.stderr).toBe('');
  expect(seen.stdout).toMatch(/\tblock\t0\.\d+\t/);
  const measured = await run('evaluate', out, '--data', data);
  expect(measured.stdout).toMatch(
    /^map 0\.\d{4} {2}map50 [01]\.\d{4} {2}map75 [01]\.\d{4}\n40 pictures with objects of 1 labels of .*blocks in /,
  );

  // Beside the model, an adapter learns with a head of its own.
  const tuned = path.join(folder, 'adapter');
  const few = [...asked, '--steps', '2', '--lora', '2', '--out', tuned];
  const adapted = await run(...few);
  expect({ code: adapted.code, stderr: adapted.stderr }).toEqual({ code: 0, stderr: '' });

  await writeFile(table, jsonLines(rows.slice(0, 1)));
  const none = ['--out', path.join(folder, 'none')];
  expectRefusal(await run(...asked, ...none), 'no row for', '1.png');
  const outside = drawn.map((one) => objectRow({ ...one, box: [9, 9, 9, 19] }, ['block']));
  await writeFile(table, jsonLines(outside));
  expectRefusal(await run(...asked, ...none), 'has the box [9,9,9,19]', 'pixels');
  const vit = path.join(root, 'test', 'fixtures', 'vit');
  expectRefusal(await run(...asked.with(2, vit), ...none), 'vit', 'no classifier of objects');
  const file = await run(...asked.with(4, table), ...none);
  expectRefusal(file, 'A detector learns from a folder', 'annotations.json');
});

test("a detector goes on learning its labels from COCO's file", async () => {
  const folder = await temporaryFolder('train-objects');
  const from = await detectorFolder(folder);
  const [data, out] = [path.join(folder, 'blocks'), path.join(folder, 'out')];
  const drawn = await drawBlocks(data, 21);
  const coco = {
    images: drawn.map(({ file_name, width, height }, id) => ({ id, file_name, width, height })),
    annotations: drawn.map(({ box }, id) => ({ id, image_id: id, category_id: 4, bbox: box })),
    categories: [
      { id: 3, name: 'bird' },
      { id: 4, name: 'bus' },
    ],
  };
  await writeFile(path.join(data, 'annotations.json'), JSON.stringify(coco));
  const asked = ['train', '--from', from, '--data', data, '--out', out, ...short];
  const { code, stderr, stdout } = await run(...asked, '--steps', '2', '--evaluate-every', '2');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).not.toContain('labels    ');
  expect(stdout).toMatch(/20 pictures with objects of 3 labels of .*, 1 held out/);
  const kept = JSON.parse(await readFile(path.join(out, 'config.json'), 'utf8')) as object;
  expect(kept).toMatchObject({ id2label: { 0: 'bird', 1: 'boat', 2: 'bus' } });
  const [last] = await readLog<LogLine>(out);
  expect(Object.keys(last!)).toEqual(expect.arrayContaining(['map', 'map50', 'map75']));
  const log = await run('info', out);
  expect(log.stdout).toContain('bird, boat, bus');
});
