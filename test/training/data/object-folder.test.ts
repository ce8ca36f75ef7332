// Pictures with objects in a folder, as Hugging Face's tables and COCO's file have them, and what is wrong with such folders.
import { expect, test } from 'vitest';
import { ImageProcessor } from 'webgpu-transformer';
import { objectBatch, objectFolder } from 'webgpu-transformer/training';
import { png } from '../../../src/cli/image/png.ts';
import { sharedGpu } from '../../support/gpu.ts';
import { expectRejection } from '../../support/rejection.ts';
import { jsonFiles, memorySource } from '../../support/source.ts';

const onGpu = sharedGpu();

/** A file as a page has it of a folder that was chosen. */
function chosen(path: string, content: Uint8Array<ArrayBuffer> | string = ''): File {
  const file = new File([content], path.split('/').at(-1) ?? path);
  return Object.defineProperty(file, 'webkitRelativePath', { value: `street/${path}` });
}

const pictures = [chosen('1.png'), chosen('more/2.png'), chosen('3.png')];
const json = (name: string, value: unknown): File => chosen(name, JSON.stringify(value));
const rows = (...list: unknown[]): File =>
  chosen('metadata.jsonl', list.map((row) => JSON.stringify(row)).join('\n'));
const box = [10, 20, 30, 40];
const other = [0.5, 0, 5, 6.25];

test.each(['categories', 'category'])('a table says where objects are, by %s', async (column) => {
  const objects = (bbox: unknown[], names: unknown[]): object => ({ bbox, [column]: names });
  const table = rows(
    { file_name: 'more/2.png', objects: { ...objects([box, other], ['cat', 'ant']), id: [4, 5] } },
    { file_name: '1.png', objects: objects([], []), width: 640 },
    { file_name: './3.png', objects: { ...objects([box, box], ['ant', 'cat']), iscrowd: [0, 1] } },
  );
  const found = await objectFolder([...pictures, table]);
  expect(found).toEqual({
    images: [
      { image: pictures[1], classLabels: [1, 0], boxes: [box, other] },
      { image: pictures[0], classLabels: [], boxes: [] },
      { image: pictures[2], classLabels: [0], boxes: [box] },
    ],
    labels: ['ant', 'cat'],
  });
  const labels = ['cat', 'bee', 'ant'];
  const named = await objectFolder([...pictures, table], { labels });
  expect(named.images.map(({ classLabels }) => classLabels)).toEqual([[0, 2], [], [2]]);
  expect(named.labels).toEqual(labels);
});

test('numbers of classes', async () => {
  const table = rows({ file_name: '1.png', objects: { bbox: [box, box], categories: [0, 2] } });
  const found = await objectFolder([pictures[0]!, table]);
  expect(found.labels).toEqual(['0', '1', '2']);
  expect(found.images[0]!.classLabels).toEqual([0, 2]);
});

const listed = [
  { id: 7, file_name: '3.png', width: 64, height: 64 },
  { id: 2, file_name: 'more/2.png' },
  { id: 1, file_name: '1.png' },
];
const categories = [
  { id: 3, name: 'dog', supercategory: 'animal' },
  { id: 1, name: 'ant' },
  { id: 8, name: 'car' },
];
const annotations = [
  { id: 1, image_id: 2, category_id: 1, bbox: box, area: 1200, iscrowd: 0 },
  { id: 2, image_id: 7, category_id: 3, bbox: box, iscrowd: 1 },
  { id: 3, image_id: 2, category_id: 3, bbox: other },
];
const coco = { info: {}, images: listed, annotations, categories };

test.each(['annotations.json', '_annotations.coco.json'])("COCO's file, %s", async (name) => {
  const found = await objectFolder([...pictures, json(name, coco)]);
  expect(found).toEqual({
    images: [
      { image: pictures[2], classLabels: [], boxes: [] },
      { image: pictures[1], classLabels: [1, 0], boxes: [box, other] },
      { image: pictures[0], classLabels: [], boxes: [] },
    ],
    labels: ['dog', 'ant', 'car'],
  });
});

const one = (objects: unknown): File[] => [pictures[0]!, rows({ file_name: '1.png', objects })];
const changed = (fields: object): File[] => [
  ...pictures,
  json('annotations.json', { ...coco, ...fields }),
];
test.each([
  [pictures, 'INPUT_INVALID', ['nothing of objects', 'metadata.jsonl', 'annotations.json']],
  [one(undefined), 'FILE_INVALID', ['Row 1 of metadata.jsonl', 'no "objects"', '"file_name"']],
  [one([box]), 'FILE_INVALID', ['objects is [[10', 'bbox, categories']],
  [one({ bboxes: [], category: [] }), 'FILE_INVALID', ['has "bboxes"', 'mean "bbox"?']],
  [one({ bbox: [box], label: ['a'] }), 'FILE_INVALID', ['has "label"', 'Known: bbox, categories']],
  [one({ bbox: [box] }), 'FILE_INVALID', ['categories is missing']],
  [one({ bbox: [], category: [], categories: [] }), 'FILE_INVALID', ['categories and category']],
  [one({ bbox: [box], category: [] }), 'FILE_INVALID', ['1 bbox and 0 category']],
  [one({ bbox: [], category: [] }), 'INPUT_INVALID', ['No picture', 'an object']],
  [one({ bbox: [box], category: [null] }), 'FILE_INVALID', ['object 1', 'label null']],
  [
    one({ bbox: [box, [1, 2, 0, 4]], category: ['a', 'b'] }),
    'FILE_INVALID',
    ['object 2', 'above 0'],
  ],
  [one({ bbox: [[1, 2, 3]], category: ['a'] }), 'FILE_INVALID', ['the bbox [1,2,3]', 'width']],
  [one({ bbox: [box, box], category: [1, 'a'] }), 'FILE_INVALID', ['object 2', '"a"', 'numbers']],
  [[...changed({}), rows({ file_name: '1.png' })], 'FILE_INVALID', ['no row for']],
  [
    [pictures[0]!, rows({ file_name: '1.png' }), json('annotations.json', coco)],
    'FILE_INVALID',
    ['annotations.json and a table', 'Leave one'],
  ],
  [
    [...changed({}), json('_annotations.coco.json', coco)],
    'FILE_INVALID',
    ['_annotations.coco.json and annotations.json'],
  ],
  [changed({ images: undefined }), 'FILE_INVALID', ['images is missing']],
  [changed({ categories: {} }), 'FILE_INVALID', ['categories is {}', 'lists of objects']],
  [changed({ images: listed.slice(1) }), 'FILE_INVALID', ['[1] of annotations.json', 'image 7']],
  [changed({ categories: [categories[0]] }), 'FILE_INVALID', ['annotations[0]', 'category 1']],
  [changed({ images: [...listed, listed[0]] }), 'FILE_INVALID', ['images[3]', 'the id 7']],
  [changed({ categories: [{ id: 1 }] }), 'FILE_INVALID', ['categories[0]', 'name null']],
  [
    changed({ categories: [...categories, { id: 4, name: 'dog' }] }),
    'FILE_INVALID',
    ['two categories "dog"'],
  ],
  [changed({ categories: [{ name: 'dog' }] }), 'FILE_INVALID', ['the id null']],
  [
    changed({
      images: listed.map((image) => ({ ...image, width: 8, height: 4 })),
      annotations: [{ ...annotations[0], bbox: [5, 0, 6, 4] }],
    }),
    'FILE_INVALID',
    ['annotations[0] of annotations.json', '[5,0,6,4]', 'not within the 8 × 4 pixels'],
  ],
  [changed({ annotations: [] }), 'INPUT_INVALID', ['No picture']],
  [
    changed({ annotations: [{ ...annotations[0], bbox: undefined }] }),
    'FILE_INVALID',
    ['annotations[0] of annotations.json', 'bbox null'],
  ],
  [
    changed({ images: [...listed.slice(1), { id: 7, file_name: '4.png' }] }),
    'FILE_INVALID',
    ['images[2]', '"4.png"', 'not in the folder'],
  ],
  [changed({}).slice(0, 2).concat(chosen('annotations.json', '{')), 'FILE_INVALID', ['breaks off']],
] as const)('what is wrong with a folder, %#', async (files, code, parts) => {
  await expectRejection(objectFolder([...files]), code, ...parts);
});

test('other labels, and options that are none', async () => {
  const files = one({ bbox: [box], category: ['cat'] });
  const labels = ['cats', 'dogs'];
  await expectRejection(objectFolder(files, { labels }), 'INPUT_INVALID', '"cat"', '"cats"');
  const typo = { label: labels } as object;
  await expectRejection(objectFolder(files, typo), 'OPTION_UNKNOWN', '"labels"');
  await expectRejection(objectFolder(files, { labels: [] }), 'OPTION_INVALID', 'labels');
});

/** What leaves pictures as they are but for pixels in parts of 255. */
const processorFiles = jsonFiles({
  'preprocessor_config.json': {
    image_processor_type: 'ViTImageProcessor',
    do_resize: false,
    do_normalize: false,
  },
});
const grey = (width: number, height: number, level: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(
    png({ data: new Uint8Array(width * height * 3).fill(level), width, height, channels: 3 }),
  );

test('a batch has pixel values and boxes in parts of them', () =>
  onGpu(async (gpu) => {
    const processor = await ImageProcessor.load(memorySource(processorFiles));
    const wide = { image: grey(8, 4, 51), classLabels: [2], boxes: [[2, 1, 4, 2]] };
    const alike = { image: grey(8, 4, 255), classLabels: [], boxes: [] };
    const even = await objectBatch(gpu, processor, [wide, alike]);
    expect(even.pixelValues?.shape).toEqual([2, 3, 4, 8]);
    expect(even.labels).toEqual([
      { classLabels: [2], boxes: [[0.5, 0.5, 0.5, 0.5]] },
      { classLabels: [], boxes: [] },
    ]);
    // The right of a tall picture, and below a wide one, are filled up.
    const tall = { image: grey(2, 16, 102), classLabels: [1], boxes: [[-0.5, 0, 2.9, 16.4]] };
    const { pixelValues, labels } = await objectBatch(gpu, processor, [wide, tall]);
    expect(pixelValues?.shape).toEqual([2, 3, 16, 8]);
    expect(labels).toEqual([
      { classLabels: [2], boxes: [[0.5, 0.125, 0.5, 0.125]] },
      { classLabels: [1], boxes: [[0.125, 0.5, 0.25, 1]] },
    ]);
    const { data } = pixelValues!;
    const rounded = (value: number): number => Math.round(100 * value) / 100;
    for (let at = 0; at < data.length; at++) {
      const [x, y, picture] = [at % 8, Math.floor(at / 8) % 16, Math.floor(at / 384)];
      const [inWide, inTall] = [y < 4 ? 0.2 : 0, x < 2 ? 0.4 : 0];
      expect(rounded(data[at]!)).toBe(picture === 0 ? inWide : inTall);
    }
  }));

test('boxes outside of their picture and what else is no batch', () =>
  onGpu(async (gpu) => {
    const processor = await ImageProcessor.load(memorySource(processorFiles));
    const picture = (...given: number[][]): object => ({
      image: grey(8, 4, 0),
      classLabels: given.map(() => 0),
      boxes: given,
    });
    const refused = (images: unknown, ...parts: string[]): Promise<void> =>
      expectRejection(objectBatch(gpu, processor, images as never), 'INPUT_INVALID', ...parts);
    await refused([picture([0, 0, 4, 4], [5, 0, 6, 4])], 'box [5,0,6,4]', '8 × 4 pixels');
    await refused([picture([-2, 0, 4, 4])], 'within its 8 × 4');
    await refused([picture([0, 1, 4, 4.5])], 'within its 8 × 4');
    await refused([picture([8.2, 0, 0.5, 4])], 'within its 8 × 4');
    const named = { ...picture([9, 9, 9, 9]), image: new File([grey(8, 4, 0)], 'a.png') };
    await refused([named], 'a.png has the box');
    await refused([], 'at least one');
    await refused([{ ...picture(), classLabels: [1] }], 'Image 0', 'as many boxes');
    await refused([picture([1, 2, 3])], 'four numbers');
    const none = objectBatch(gpu, {} as never, [picture() as never]);
    await expectRejection(none, 'INPUT_INVALID', 'ImageProcessor.load');
  }));
