// Pictures in folders by label, and what is wrong with such folders.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { ImageProcessor, loadModel } from 'webgpu-transformer';
import { adam, imageBatch, imageFolder, shuffled, Trainer } from 'webgpu-transformer/training';
import { png } from '../../../src/cli/image/png.ts';
import { sharedGpu } from '../../support/gpu.ts';
import { expectRejection } from '../../support/rejection.ts';
import { fixtureSource } from '../../support/source.ts';

const onGpu = sharedGpu();

/** A folder with these files; those without content are pictures that nobody looks at. */
async function folderOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'images-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
}

/** A picture of one colour. */
const coloured = (...colour: number[]): Uint8Array =>
  png({
    data: Uint8Array.from({ length: 36 * 3 }, (_, i) => colour[i % 3]!),
    width: 6,
    height: 6,
    channels: 3,
  });

test('folders are classes, sorted, whatever lies below them', async () => {
  const paths = ['dogs/b.png', 'dogs/more/c.JPG', 'cats/a.webp', 'cats/notes.txt', '.git/x/y.png'];
  const folder = await folderOf(Object.fromEntries(paths.map((path) => [path, ''])));
  await symlink(join(folder, 'cats'), join(folder, 'dogs', 'link'));
  await symlink(folder, join(folder, 'dogs', 'around'));
  const wanted = [
    { image: join(folder, 'cats/a.webp'), label: 0 },
    { image: join(folder, 'dogs/b.png'), label: 1 },
    { image: join(folder, 'dogs/link/a.webp'), label: 1 },
    { image: join(folder, 'dogs/more/c.JPG'), label: 1 },
  ];
  for (const place of [folder, pathToFileURL(folder)]) {
    expect(await imageFolder(place)).toEqual({ images: wanted, labels: ['cats', 'dogs'] });
  }
  const labels = ['dogs', 'birds', 'cats'];
  const named = await imageFolder(folder, { labels });
  expect(named.images.map(({ label }) => label)).toEqual([2, 0, 0, 0]);
  expect(named.labels).toEqual(labels);
});

test('the files that a page got of a folder', async () => {
  const files = ['pets/dog/1.png', 'pets/cat/1.png', 'pets/cat/2.png'].map((path) =>
    Object.defineProperty(new File([], '1.png'), 'webkitRelativePath', { value: path }),
  );
  const { images, labels } = await imageFolder(files);
  expect(labels).toEqual(['cat', 'dog']);
  expect(images).toEqual([
    { image: files[1], label: 0 },
    { image: files[2], label: 0 },
    { image: files[0], label: 1 },
  ]);
});

test.each([
  ['metadata.csv', 'file_name,label\nb/2.png,wolf\n./1.png,fox\n', ['fox', 'wolf'], [1, 0]],
  ['metadata.csv', 'file_name,label\nb/2.png,0\n1.png,2\n', ['0', '1', '2'], [0, 2]],
  [
    'metadata.jsonl',
    '{"file_name":"1.png","label":0,"more":1}\n{"file_name":"b/2.png","label":1}',
    ['0', '1'],
    [0, 1],
  ],
])('%s describes pictures: %j', async (name, content, labels, wanted) => {
  const folder = await folderOf({ [name]: content, '1.png': '', 'b/2.png': '' });
  const found = await imageFolder(folder);
  expect(found.labels).toEqual(labels);
  expect(found.images.map(({ label }) => label)).toEqual(wanted);
  const places = ['1.png', 'b/2.png'].map((path) => join(folder, path));
  expect(new Set(found.images.map(({ image }) => image))).toEqual(new Set(places));
});

const table = 'file_name,label\n';
test.each([
  ['INPUT_INVALID', { 'a/1.png': '', 'a/2.png': '' }, ['All pictures', '"a"', 'two classes']],
  ['INPUT_INVALID', { 'a/1.txt': '' }, ['no pictures']],
  ['INPUT_INVALID', { 'a/1.png': '', 'b/1.png': '', 'c/1.txt': '' }, ['"c" holds no pictures']],
  ['INPUT_INVALID', { 'a/1.png': '', '2.png': '' }, ['"2.png"', 'no folder', 'metadata.csv']],
  ['INPUT_INVALID', { 'train/a/1.png': '', 'test/b/2.png': '' }, ['parts', 'test, train']],
  ['FILE_INVALID', { 'metadata.csv': `${table}1.png,a\n`, '2.png': '' }, ['Row 1', '"1.png"']],
  [
    'FILE_INVALID',
    { 'metadata.csv': `${table}1.png,a\n`, '1.png': '', '2.png': '' },
    ['no row for "2.png"'],
  ],
  ['FILE_INVALID', { 'metadata.csv': 'file_name,class\n1.png,a\n', '1.png': '' }, ['"class"']],
  ['FILE_INVALID', { 'metadata.csv': '', 'metadata.jsonl': '' }, ['metadata.jsonl', 'Leave one']],
  [
    'FILE_INVALID',
    { 'metadata.csv': `${table}1.png,1\n2.png,none\n`, '1.png': '', '2.png': '' },
    ['Row 2', '"none"', 'number of a class'],
  ],
  [
    'FILE_INVALID',
    { 'metadata.csv': `${table}1.png,cat\n2.png, \n`, '1.png': '', '2.png': '' },
    ['Row 2', '" "', 'name of a class'],
  ],
  [
    'FILE_INVALID',
    { 'metadata.jsonl': '{"file_name": "1.png", "label": NaN}', '1.png': '' },
    ['line 1'],
  ],
] as const)('%s: %j', async (code, files, message) => {
  await expectRejection(imageFolder(await folderOf({ ...files })), code, ...message);
});

test('labels, places and pictures that do not fit', async () => {
  const folder = await folderOf({ 'cats/1.png': '', 'dogs/1.png': 'no picture' });
  const wrong = imageFolder(folder, { labels: ['cat', 'dogs'] });
  await expectRejection(wrong, 'INPUT_INVALID', '"cats"', 'Did you mean "cat"');
  const twice = imageFolder(folder, { labels: ['cats', 'cats'] });
  await expectRejection(twice, 'OPTION_INVALID', 'labels', 'no two alike');
  await expectRejection(imageFolder(join(folder, 'none')), 'FILE_NOT_FOUND', 'none');
  await expectRejection(imageFolder('https://host/images'), 'INPUT_INVALID', 'https://host/images');
  await expectRejection(imageFolder([{}] as never), 'INPUT_INVALID', 'File objects');
  const { images } = await imageFolder(folder);
  await onGpu(async (gpu) => {
    const processor = await ImageProcessor.load(fixtureSource('vit'));
    await expectRejection(imageBatch(gpu, processor, images), 'FILE_INVALID', '1.png');
    await expectRejection(imageBatch(gpu, processor, []), 'INPUT_INVALID', 'at least one');
    const unlabelled = [{ image: 'a.png', label: 0.5 }];
    await expectRejection(imageBatch(gpu, processor, unlabelled), 'INPUT_INVALID', 'Image 0');
    const none = imageBatch(gpu, {} as never, images);
    await expectRejection(none, 'INPUT_INVALID', 'ImageProcessor.load');
    const nowhere = imageBatch(undefined as never, processor, images);
    await expectRejection(nowhere, 'OPTION_INVALID', 'Gpu');
  });
});

test('a classifier learns colours from folders', async () => {
  const shades = { red: [220, 30, 20], green: [20, 210, 40], blue: [10, 30, 230] };
  const files = Object.entries(shades).flatMap(([name, colour]) =>
    [0, 1, 2].map((i) => [`${name}/${i}.png`, coloured(...colour.map((part) => part + 9 * i))]),
  );
  const { images, labels } = await imageFolder(
    await folderOf(Object.fromEntries(files) as Record<string, Uint8Array>),
  );
  expect(labels).toEqual(['blue', 'green', 'red']);
  await onGpu(async (gpu) => {
    const source = fixtureSource('vit');
    const processor = await ImageProcessor.load(source);
    using model = await loadModel(source, { gpu, training: true });
    using trainer = new Trainer(model, { optimizer: adam(), learningRate: 3e-3, dropout: false });
    const row = shuffled(images, 1);
    const batches = (step: number) =>
      imageBatch(gpu, processor, [row(3 * step), row(3 * step + 1), row(3 * step + 2)]);
    const losses: number[] = [];
    for await (const { loss } of trainer.steps(batches, { maxSteps: 24 })) losses.push(loss);
    expect(losses.at(-1)!).toBeLessThan(0.3 * losses[0]!);
    const batch = await imageBatch(gpu, processor, images);
    const { logits } = await model.forward(batch);
    const chosen = images.map((_, i) => {
      const own = logits!.data.subarray(7 * i, 7 * (i + 1));
      return own.indexOf(Math.max(...own));
    });
    expect(chosen).toEqual(batch.labels);
  });
});
