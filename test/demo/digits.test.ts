// Digits: their files, what is made of drawings and pictures, and what the model of models/digits reads.

import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test, vi } from 'vitest';
import { type DenseTensor, loadModel, pipeline } from 'webgpu-transformer';
import { mistakesOf } from '../../demo/digits/accuracy.ts';
import {
  type Digits,
  packDigits,
  pictureOf,
  pixelsOf,
  side,
  unpackDigits,
} from '../../demo/digits/digits.ts';
import { distort } from '../../demo/digits/distort.ts';
import { preprocessing } from '../../demo/digits/pixel-values.ts';
import { type Picture, pictureOfGray, pictureOfStrokes } from '../../demo/digits/place.ts';
import { digitBatches, digitsConfig } from '../../demo/digits/recipe.ts';
import { heldOut, heldOutCount, training, trainingCount } from '../../demo/digits/share.ts';
import { Latest } from '../../demo/latest.ts';
import { headWeights, layerWeights, rolloutWeights } from '../../demo/see/rollout.ts';
import { Random } from '../../src/model/random.ts';
import { strokesOf } from './handwriting.ts';

const root = path.resolve(import.meta.dirname, '../..');
const folder = path.join(root, 'models/digits');

async function pageDigits(): Promise<Digits> {
  return unpackDigits(gunzipSync(await readFile(path.join(root, 'demo/digits/digits.bin'))));
}

/** Where a picture's ink is. */
function inkOf(picture: Picture): { mass: number; x: number; y: number; extent: number } {
  let [mass, x, y] = [0, 0, 0];
  const columns: number[] = [];
  const rows: number[] = [];
  for (const [at, ink] of picture.entries()) {
    const [column, row] = [at % side, Math.floor(at / side)];
    [mass, x, y] = [mass + ink, x + ink * column, y + ink * row];
    if (ink <= 0) continue;
    columns.push(column);
    rows.push(row);
  }
  const length = (all: number[]): number => Math.max(...all) - Math.min(...all) + 1;
  return {
    mass,
    x: x / mass,
    y: y / mass,
    extent: Math.max(length(columns), length(rows)),
  };
}

test('the digits that the page brings are as many of each kind, and come back from the file', async () => {
  const digits = await pageDigits();
  expect(digits.count).toBe(trainingCount + heldOutCount);
  for (const part of [training(digits), heldOut(digits)]) {
    for (let label = 0; label < 10; label++) {
      expect(part.labels.filter((one) => one === label).length).toBe(part.count / 10);
    }
  }
  const again = unpackDigits(packDigits(digits));
  expect(Buffer.compare(again.pixels, digits.pixels)).toBe(0);
  expect(again.labels).toEqual(digits.labels);
  // None is in both parts.
  const known = new Set<string>();
  for (let i = 0; i < digits.count; i++) known.add(pictureOf(digits, i).join());
  expect(known.size).toBe(digits.count);
  const { size } = await stat(path.join(root, 'demo/digits/digits.bin'));
  expect(size).toBeLessThan(300_000);
});

test('drawings are centered and scaled as MNIST is, wherever and however large they are', () => {
  for (let digit = 0; digit < 10; digit++) {
    const strokes = strokesOf(digit);
    const picture = pictureOfStrokes(strokes, 0.15);
    const ink = inkOf(picture);
    expect(Math.abs(ink.x - 14)).toBeLessThan(0.15);
    expect(Math.abs(ink.y - 14)).toBeLessThan(0.15);
    // 20 pixels, and what of a soft edge falls on two others.
    expect(ink.extent).toBeGreaterThanOrEqual(19);
    expect(ink.extent).toBeLessThanOrEqual(22);
    const moved = strokes.map((stroke) =>
      stroke.map(({ x, y }) => ({ x: 0.5 * x + 0.37, y: 0.5 * y + 0.11 })),
    );
    const other = pictureOfStrokes(moved, 0.15);
    for (const [at, value] of picture.entries()) {
      expect(Math.abs(value - other[at]!)).toBeLessThan(1e-5);
    }
  }
  expect(pictureOfStrokes([], 0.15).every((value) => value === 0)).toBe(true);
  // A dot stays small.
  const dot = inkOf(pictureOfStrokes([[{ x: 0.9, y: 0.2 }]], 0.15));
  expect(dot.extent).toBeLessThan(5);
  expect(Math.abs(dot.x - 14)).toBeLessThan(0.15);
});

test('pictures of digits become what was scanned, light on dark or dark on light, on any ground', async () => {
  const digits = heldOut(await pageDigits());
  let difference = 0;
  const chosen = [3, 90, 160, 210, 444];
  for (const index of chosen) {
    const picture = Float32Array.from(pictureOf(digits, index), (byte) => byte / 255);
    const large = enlarged(picture, 5, 200, 150);
    for (const tone of [(v: number) => v, (v: number) => 235 - 180 * v, (v: number) => 9 + 3 * v]) {
      const gray = { data: large.map(tone), width: 200, height: 150 };
      const placed = pictureOfGray(gray);
      difference += placed.reduce((sum, value, at) => sum + Math.abs(value - picture[at]!), 0);
      const ink = inkOf(placed);
      expect(Math.abs(ink.x - 14)).toBeLessThan(0.6);
      expect(Math.abs(ink.y - 14)).toBeLessThan(0.6);
    }
  }
  // Of about a hundred pixels of ink, most are where they were.
  expect(difference / (3 * chosen.length)).toBeLessThan(45);
  const blank = { data: new Float32Array(200 * 150).fill(77), width: 200, height: 150 };
  expect(pictureOfGray(blank).every((value) => value === 0)).toBe(true);
});

/** A picture with each pixel several times as large, in the middle of a larger one. */
function enlarged(picture: Picture, scale: number, width: number, height: number): Picture {
  const data = new Float32Array(width * height);
  const [left, top] = [(width - scale * side) / 2, (height - scale * side) / 2];
  for (let y = 0; y < scale * side; y++) {
    for (let x = 0; x < scale * side; x++) {
      const at = Math.floor(y / scale) * side + Math.floor(x / scale);
      data[(top + y) * width + left + x] = picture[at]!;
    }
  }
  return data;
}

test('distortions are drawn from a seed, keep the ink in the picture, and differ', async () => {
  const digits = await pageDigits();
  const picture = pictureOf(digits, 700);
  const mass = picture.reduce((sum, byte) => sum + byte / 255, 0);
  const one = distort(picture, new Random(5));
  expect(distort(picture, new Random(5))).toEqual(one);
  expect(distort(picture, new Random(6))).not.toEqual(one);
  for (let seed = 0; seed < 50; seed++) {
    const distorted = distort(picture, new Random(seed));
    const { mass: found } = inkOf(distorted);
    expect(found / mass).toBeGreaterThan(0.25);
    expect(found / mass).toBeLessThan(3);
    expect(Math.min(...distorted)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...distorted)).toBeLessThanOrEqual(1);
  }
});

test('batches have each digit once an epoch, and are the same for the same seed', async () => {
  const digits = training(await pageDigits());
  const batches = digitBatches({ seed: 3, batchSize: 50 }, digits);
  const counts = Array<number>(10).fill(0);
  for (let index = 0; index < digits.count / 50; index++) {
    for (const label of batches(index).labels as number[]) counts[label]! += 1;
  }
  expect(counts).toEqual(Array<number>(10).fill(digits.count / 10));
  const again = digitBatches({ seed: 3, batchSize: 50 }, digits);
  expect(again(57)).toEqual(batches(57));
  expect(digitBatches({ seed: 4, batchSize: 50 }, digits)(57)).not.toEqual(batches(57));
});

test('rollout is the product of the layers, residual paths included', () => {
  const [heads, tokens, patches] = [3, 7, 6];
  const random = new Random(9);
  const layers = Array.from({ length: 4 }, (): DenseTensor => {
    const data = new Float32Array(heads * tokens * tokens);
    for (let row = 0; row < heads * tokens; row++) {
      const values = Array.from({ length: tokens }, () => random.next());
      const sum = values.reduce((a, b) => a + b, 0);
      for (let i = 0; i < tokens; i++) data[row * tokens + i] = values[i]! / sum;
    }
    return { data, shape: [1, heads, tokens, tokens] };
  });
  // As the paper writes it: whole matrices, from the first layer on.
  let product = Array.from({ length: tokens }, (_, i) =>
    Array.from({ length: tokens }, (__, j) => Number(i === j)),
  );
  for (const { data } of layers) {
    const own = Array.from({ length: tokens }, (_, i) =>
      Array.from({ length: tokens }, (__, j) => {
        let mean = 0;
        for (let h = 0; h < heads; h++) mean += data[(h * tokens + i) * tokens + j]! / heads;
        return 0.5 * mean + 0.5 * Number(i === j);
      }),
    );
    const before = product;
    product = own.map((row) =>
      row.map((_, j) => row.reduce((sum, value, k) => sum + value * before[k]![j]!, 0)),
    );
  }
  for (const [i, weight] of rolloutWeights(layers, patches).entries()) {
    expect(Math.abs(weight - product[0]![1 + i]!)).toBeLessThan(1e-6);
  }
  const [first] = layers;
  const mean = layerWeights(first!, patches);
  for (let i = 0; i < patches; i++) {
    const all = Array.from({ length: heads }, (_, head) => headWeights(first!, head, patches)[i]!);
    expect(Math.abs(mean[i]! - all.reduce((a, b) => a + b, 0) / heads)).toBeLessThan(1e-6);
  }
});

test('work that follows a pen never waits in a queue', async () => {
  const frames: (() => void)[] = [];
  vi.stubGlobal('requestAnimationFrame', (callback: () => void) => frames.push(callback));
  const done: number[] = [];
  let finish = (): void => {};
  const latest = new Latest<number>(async (item) => {
    done.push(item);
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
  });
  const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
  const frame = async (): Promise<void> => {
    frames.splice(0).forEach((callback) => callback());
    await turn();
  };
  for (let i = 1; i <= 5; i++) latest.offer(i);
  await frame();
  expect(done).toEqual([5]);
  for (let i = 6; i <= 9; i++) latest.offer(i);
  await frame();
  expect(done).toEqual([5]);
  finish();
  await turn();
  await frame();
  expect(done).toEqual([5, 9]);
  latest.offer(10);
  latest.drop();
  finish();
  await turn();
  await frame();
  latest.offer(11);
  await frame();
  expect(done).toEqual([5, 9, 11]);
  vi.unstubAllGlobals();
});

test('the model reads 97 of 100 digits that it never saw, and drawings by hand', async () => {
  using model = await loadModel(folder);
  const digits = heldOut(await pageDigits());
  const mistakes = await mistakesOf(model, digits);
  expect(1 - mistakes.length / digits.count).toBeGreaterThanOrEqual(0.97);
  const pixels = new Uint8Array(10 * pixelsOf);
  for (let digit = 0; digit < 10; digit++) {
    const picture = pictureOfStrokes(strokesOf(digit), 0.15);
    pixels.set(
      picture.map((value) => Math.round(255 * value)),
      digit * pixelsOf,
    );
  }
  const labels = Uint8Array.from({ length: 10 }, (_, digit) => digit);
  expect(await mistakesOf(model, { count: 10, pixels, labels })).toEqual([]);

  // As anyone would ask it.
  using read = await pipeline('image-classification', folder);
  const data = pictureOf(digits, 111);
  const [best] = await read({ data, width: side, height: side, channels: 1 });
  expect(best?.label).toBe('2');
});

test('the package has the model', async () => {
  const { files, exports } = JSON.parse(
    await readFile(path.join(root, 'package.json'), 'utf8'),
  ) as { files: string[]; exports: Record<string, unknown> };
  expect(files).toContain('models');
  expect(exports['./models/digits/*']).toBe('./models/digits/*');
});

test('the files of the model say what the recipe says, and stay small', async () => {
  const json = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(path.join(folder, name), 'utf8'));
  expect(await json('config.json')).toEqual({ ...digitsConfig, torch_dtype: 'float16' });
  expect(await json('preprocessor_config.json')).toEqual(preprocessing);
  expect((await stat(path.join(folder, 'model.safetensors'))).size).toBeLessThan(500_000);
});
