// Pictures that the command line draws, as files.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { beforeAll, expect, test, vi } from 'vitest';
import { pipeline } from 'webgpu-transformer';
import {
  buildCommand,
  drawingFolder,
  expectRefusal,
  jsonLines,
  output,
  root,
  run,
} from '../support/cli.ts';
import { png } from '../../src/cli/image/png.ts';

// Several processes a test, each of which opens a device.
vi.setConfig({ testTimeout: 300_000 });
beforeAll(buildCommand);

async function pixelsOf(file: string | Buffer): Promise<number[]> {
  const { data } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  return [...data];
}

test('draw writes what the task draws', async () => {
  const folder = await drawingFolder();
  const out = path.join(folder, 'drawn.png');
  expect(await output('draw', folder, '--seed', '1', '--out', out)).toBe(`${out}\n`);
  using task = await pipeline('unconditional-image-generation', folder);
  const { data } = await task({ seed: 1 });
  expect(await pixelsOf(out)).toEqual([...data]);
  const cat = path.join(root, 'test/fixtures/processors/odd.png');
  const args = ['draw', folder, '--from', cat, '--seed', '2', '--out', out, '--json'];
  expect(jsonLines((await run(...args)).stdout)).toEqual([{ file: out, width: 4, height: 4 }]);
  const completed = await task({ seed: 2, from: cat });
  expect(await pixelsOf(out)).toEqual([...completed.data]);
  expect((await readFile(out)).length).toBeLessThan(200);
});

test('draw refuses what it cannot do', async () => {
  const folder = await drawingFolder();
  const lost = path.join(folder, 'nowhere', 'x.png');
  expectRefusal(await run('draw', folder, '--out', lost), 'could not be written', '--out');
  expectRefusal(await run('draw', folder, 'a cat'), 'Unexpected argument');
  expectRefusal(
    await run('draw', path.join(root, 'test/fixtures/vit')),
    'ViTForImageClassification',
  );
});

test('every kind of picture as PNG', async () => {
  for (const channels of [1, 2, 3, 4] as const) {
    const data = Uint8Array.from({ length: 6 * channels }, (_, i) => (37 * i) % 256);
    const file = png({ data, width: 3, height: 2, channels });
    const { width, height, channels: stored } = await sharp(file).metadata();
    expect([width, height, stored]).toEqual([3, 2, channels]);
    // Gray is read as three equal colours.
    const pixels = Array.from({ length: 6 }, (_, i) =>
      Array.from(data.subarray(i * channels, (i + 1) * channels)),
    );
    const read = pixels.flatMap((own) => (channels < 3 ? [own[0]!, own[0]!, ...own] : own));
    expect(await pixelsOf(file)).toEqual(read);
  }
});
