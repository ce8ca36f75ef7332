import { describe, expect, test } from 'vitest';
import {
  asFloat32,
  asUint16,
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
} from '../../src/source/float16.ts';
import {
  openSafetensors,
  openSafetensorsFile,
  readTensors,
  type ReadTensorsOptions,
  type TensorEntry,
  type TensorPiece,
} from '../../src/source/safetensors.ts';
import type { FileProgress, Source } from '../../src/source/source.ts';
import type { ErrorCode } from '../../src/runtime/errors.ts';
import { readFixture } from '../support/fixture.ts';
import {
  counting,
  expectError,
  MemorySource,
  rawFile,
  safetensorsFile,
  type StoredTensor,
} from '../support/safetensors.ts';

const MODEL = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** One header entry; by default an honest F32 pair in bytes 0 to 8. */
function entry(change: Record<string, unknown> = {}): Record<string, unknown> {
  return { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...change };
}

/** Collects whole tensors from their pieces, checking the order of pieces on the way. */
async function collect(
  source: Source,
  entries: Iterable<TensorEntry>,
  options?: ReadTensorsOptions,
): Promise<Map<string, Uint8Array>> {
  const tensors = new Map<string, Uint8Array>();
  for await (const { entry: tensor, offset, bytes } of readTensors(source, entries, options)) {
    const whole = tensors.get(tensor.name) ?? new Uint8Array(0);
    expect(offset).toBe(whole.length);
    const longer = new Uint8Array(offset + bytes.length);
    longer.set(whole);
    longer.set(bytes, offset);
    tensors.set(tensor.name, longer);
  }
  return tensors;
}

/** Fixture files as a source that counts. */
async function fixtureSource(folder: string, files: readonly string[]): Promise<MemorySource> {
  const loaded: Record<string, Uint8Array> = {};
  for (const file of files) loaded[file] = await readFixture(`${folder}/${file}`);
  return new MemorySource(loaded);
}

describe('opening one file', () => {
  test.each([{ sized: true }, { sized: false }])(
    'tensors with their absolute bytes, scalars and empty ones included (%j)',
    async (options) => {
      const file = safetensorsFile(
        {
          scalar: { dtype: 'F64', shape: [], bytes: new Uint8Array(8) },
          'a.weight': { dtype: 'BF16', shape: [2, 3], bytes: new Uint8Array(12) },
          none: { dtype: 'F32', shape: [0, 9], bytes: new Uint8Array(0) },
          half: { dtype: 'F4', shape: [2], bytes: new Uint8Array(1) },
        },
        7,
      );
      const data = file.length - 21;
      const tensors = await openSafetensors(new MemorySource({ [MODEL]: file }, options));
      expect([...tensors.values()].map((t) => [t.name, t.dtype, t.shape, t.start - data])).toEqual([
        ['scalar', 'F64', [], 0],
        ['a.weight', 'BF16', [2, 3], 8],
        ['none', 'F32', [0, 9], 20],
        ['half', 'F4', [2], 20],
      ]);
      expect(tensors.get('a.weight')).toMatchObject({ file: MODEL, end: data + 20 });
    },
  );

  test('tensors in any order of the header come in the order of bytes', async () => {
    const header = { b: entry({ data_offsets: [8, 16] }), a: entry() };
    const source = new MemorySource({ [MODEL]: rawFile(header, new Uint8Array(16)) });
    expect([...(await openSafetensors(source)).keys()]).toEqual(['a', 'b']);
  });

  test('a file without tensors, and one with an awkward name', async () => {
    expect((await openSafetensors(new MemorySource({ [MODEL]: rawFile({}) }))).size).toBe(0);
    const header = `{"__proto__":${JSON.stringify(entry())}}`;
    const source = new MemorySource({ [MODEL]: rawFile(header, new Uint8Array(8)) });
    expect([...(await openSafetensors(source)).keys()]).toEqual(['__proto__']);
  });

  test('only the header is read, each byte once', async () => {
    const file = safetensorsFile({ a: counting(1000, 1) });
    const source = new MemorySource({ [MODEL]: file });
    await openSafetensors(source);
    expect(source.bytesRead).toBe(file.length - 1000);
    expect(source.bytesReadAgain).toBe(0);
  });

  test('a file of another name', async () => {
    const source = new MemorySource({ 'x.safetensors': safetensorsFile({ a: counting(3, 1) }) });
    expect((await openSafetensorsFile(source, 'x.safetensors')).get('a')?.shape).toEqual([3]);
    await expectError(
      openSafetensorsFile(source, 'y.safetensors'),
      'FILE_NOT_FOUND',
      'y.safetensors',
    );
  });
});

describe('nothing to open', () => {
  test('both names are told', async () => {
    await expectError(
      openSafetensors(new MemorySource({})),
      'FILE_NOT_FOUND',
      MODEL,
      INDEX,
      'memory',
    );
  });

  test.each(['pytorch_model.bin', 'pytorch_model.bin.index.json'])(
    '%s is not opened, the message says how to convert it',
    async (pickle) => {
      for (const sized of [true, false]) {
        const source = new MemorySource({ [pickle]: new Uint8Array(100) }, { sized });
        await expectError(
          openSafetensors(source),
          'FILE_NOT_FOUND',
          MODEL,
          `There is ${pickle}`,
          'save_pretrained(folder, safe_serialization=True)',
        );
        expect(source.bytesRead).toBeLessThanOrEqual(1);
      }
    },
  );

  test('an aborted signal', async () => {
    const source = new MemorySource({ [MODEL]: rawFile({}) });
    await expectError(openSafetensors(source, { signal: AbortSignal.abort() }), 'ABORTED');
    expect(source.reads).toEqual([]);
  });
});

describe('lies in a header', () => {
  const data = new Uint8Array(8);
  const honest = rawFile({ a: entry() }, data);
  const lie = (change: Record<string, unknown>) => rawFile({ a: entry(change) }, data);
  const pair = (first: [number, number], second: [number, number], length: number) =>
    rawFile(
      { a: entry({ data_offsets: first }), b: entry({ data_offsets: second }) },
      new Uint8Array(length),
    );
  const huge = 2 ** 53 - 1;

  const cases: [string, Uint8Array, ErrorCode, ...string[]][] = [
    ['empty file', new Uint8Array(0), 'FILE_TRUNCATED', 'has 0 bytes', '8 or more'],
    ['7 bytes', honest.slice(0, 7), 'FILE_TRUNCATED', 'has 7 bytes'],
    ['length 0', rawFile('', data), 'FILE_INVALID', 'header of 0 bytes', 'wanted 2 to'],
    ['length 1', rawFile('{', data), 'FILE_INVALID', 'header of 1 byte,'],
    ['length over the limit', rawFile('{}', data, 100_000_001n), 'FILE_INVALID', '100000001 bytes'],
    ['length of 2^63', rawFile('{}', data, 1n << 63n), 'FILE_INVALID', '9223372036854776000 bytes'],
    [
      'Git LFS pointer',
      new TextEncoder().encode('version https://git'),
      'FILE_INVALID',
      'git lfs pull',
    ],
    [
      'header beyond the file',
      rawFile('{}', data, 11n),
      'FILE_TRUNCATED',
      'has 18 bytes',
      'ends at 19',
    ],
    ['no UTF-8', rawFile(Uint8Array.of(0x7b, 0xff, 0x7d)), 'FILE_INVALID', 'not UTF-8'],
    ['byte order mark', rawFile('\ufeff{}'), 'FILE_INVALID', 'wanted "{"'],
    ['no JSON', rawFile('{"a": }'), 'FILE_INVALID', 'not valid JSON', '"}" at line 1, column 7'],
    ['an array', rawFile('[1]'), 'FILE_INVALID', 'starts with "["', 'wanted "{"'],
    ['a name twice', rawFile('{"a":{},"\\u0061":{}}'), 'FILE_INVALID', '"a" twice'],
    ['metadata no object', rawFile({ __metadata__: [] }), 'FILE_INVALID', '__metadata__', '[]'],
    [
      'metadata no text',
      rawFile({ __metadata__: { a: 1 } }),
      'FILE_INVALID',
      '__metadata__',
      '{"a":1}',
    ],
    ['entry no object', rawFile({ a: [1] }), 'FILE_INVALID', 'Tensor "a"', '[1]', 'an object'],
    ['entry null', rawFile({ a: null }), 'FILE_INVALID', 'Tensor "a"', 'null'],
    ['no dtype', lie({ dtype: undefined }), 'FILE_INVALID', 'Tensor "a"', 'dtype undefined'],
    ['dtype a number', lie({ dtype: 4 }), 'FILE_INVALID', 'dtype 4'],
    ['dtype unknown', lie({ dtype: 'F33' }), 'FILE_INVALID', 'Tensor "a"', '"F33"', 'BF16'],
    ['dtype of an object', lie({ dtype: 'toString' }), 'FILE_INVALID', '"toString"'],
    ['no shape', lie({ shape: undefined }), 'FILE_INVALID', 'shape undefined'],
    ['shape a number', lie({ shape: 2 }), 'FILE_INVALID', 'shape 2'],
    ['side negative', lie({ shape: [-2] }), 'FILE_INVALID', 'shape [-2]', 'whole numbers'],
    ['side fractional', lie({ shape: [2.5] }), 'FILE_INVALID', 'shape [2.5]'],
    ['side a text', lie({ shape: ['2'] }), 'FILE_INVALID', 'shape ["2"]'],
    ['side huge', lie({ shape: [1e300] }), 'FILE_INVALID', 'shape [1e+300]'],
    ['product huge', lie({ shape: [huge, huge] }), 'FILE_INVALID', 'too many elements'],
    [
      'product huge, then zero',
      lie({ shape: [huge, huge, 0] }),
      'FILE_INVALID',
      'too many elements',
    ],
    ['no offsets', lie({ data_offsets: undefined }), 'FILE_INVALID', 'data_offsets undefined'],
    ['one offset', lie({ data_offsets: [8] }), 'FILE_INVALID', 'data_offsets [8]', 'two'],
    ['three offsets', lie({ data_offsets: [0, 4, 8] }), 'FILE_INVALID', 'two whole numbers'],
    ['offset negative', lie({ data_offsets: [-8, 0] }), 'FILE_INVALID', 'data_offsets [-8,0]'],
    [
      'offset fractional',
      lie({ data_offsets: [0.5, 8.5] }),
      'FILE_INVALID',
      'data_offsets [0.5,8.5]',
    ],
    ['end before begin', lie({ data_offsets: [8, 0] }), 'FILE_INVALID', 'ends before it begins'],
    ['too long', lie({ shape: [1] }), 'FILE_INVALID', 'has 8 bytes, wanted 4 for F32 [1]'],
    ['too short', lie({ shape: [3] }), 'FILE_INVALID', 'has 8 bytes, wanted 12'],
    ['half a byte', lie({ dtype: 'F4', shape: [15] }), 'FILE_INVALID', 'wanted 7.5 for F4'],
    [
      'cut off',
      honest.slice(0, -3),
      'FILE_TRUNCATED',
      `states ${honest.length} bytes`,
      `${honest.length - 3}`,
    ],
    [
      'trailing bytes',
      rawFile({ a: entry() }, new Uint8Array(9)),
      'FILE_INVALID',
      'tensors end at',
    ],
    ['overlap', pair([0, 8], [4, 12], 12), 'FILE_INVALID', 'Tensors "a" and "b"', 'overlap'],
    ['the same bytes twice', pair([0, 8], [0, 8], 8), 'FILE_INVALID', 'overlap'],
    [
      'a hole',
      pair([0, 8], [9, 17], 17),
      'FILE_INVALID',
      '1 byte without a tensor between "a" and "b"',
    ],
    [
      'a hole at the start',
      pair([4, 12], [12, 20], 20),
      'FILE_INVALID',
      'between the header and "a"',
    ],
  ];

  test.each(cases)('%s', async (_, file, code, ...parts) => {
    const source = new MemorySource({ [MODEL]: file });
    const error = await expectError(openSafetensors(source), code, MODEL, ...parts);
    expect(error.message.length).toBeLessThan(400);
  });

  test('messages stay short when names are long', async () => {
    const name = 'x'.repeat(100_000);
    const source = new MemorySource({ [MODEL]: rawFile({ [name]: entry({ shape: [3] }) }, data) });
    const error = await expectError(openSafetensors(source), 'FILE_INVALID', 'xxx…');
    expect(error.message.length).toBeLessThan(400);
  });

  test('a file that is cut off or goes on is found without knowing its size', async () => {
    for (const cut of [1, 3, 8]) {
      const files = { [MODEL]: honest.slice(0, -cut) };
      const source = new MemorySource(files, { sized: false });
      await expectError(
        openSafetensors(source),
        'FILE_TRUNCATED',
        `${honest.length} bytes`,
        'fewer',
      );
    }
    for (const more of [1, 100]) {
      const longer = new Uint8Array(honest.length + more);
      longer.set(honest);
      const source = new MemorySource({ [MODEL]: longer }, { sized: false });
      await expectError(openSafetensors(source), 'FILE_INVALID', `byte ${honest.length}`);
      // A source that ignores ranges tells as much.
      const whole = { read: async (file: string) => (file === MODEL ? longer : undefined) };
      await expectError(openSafetensors(whole), 'FILE_INVALID', `byte ${honest.length}`);
    }
    const inHeader = new MemorySource({ [MODEL]: honest.slice(0, 20) }, { sized: false });
    await expectError(openSafetensors(inHeader), 'FILE_TRUNCATED', '12 bytes instead of');
  });
});

describe('shards', () => {
  const one = safetensorsFile({ a: counting(8, 1), b: counting(16, 2) });
  const two = safetensorsFile({ c: counting(24, 3), extra: counting(8, 4) });
  const index = { weight_map: { a: '1.safetensors', c: '2.safetensors', b: '1.safetensors' } };
  const shards = (change: Record<string, Uint8Array> = {}): MemorySource =>
    new MemorySource({
      [INDEX]: json(index),
      '1.safetensors': one,
      '2.safetensors': two,
      ...change,
    });
  const withIndex = (value: unknown) => shards({ [INDEX]: json(value) });

  test('each header is read once, extra tensors are kept', async () => {
    const source = shards();
    const tensors = await openSafetensors(source);
    expect([...tensors].map(([name, { file }]) => [name, file])).toEqual([
      ['a', '1.safetensors'],
      ['b', '1.safetensors'],
      ['c', '2.safetensors'],
      ['extra', '2.safetensors'],
    ]);
    expect(source.bytesReadAgain).toBe(0);
    const whole = await collect(source, tensors.values());
    expect(whole.get('c')).toEqual(counting(24, 3).bytes);
    expect(source.bytesReadAgain).toBe(0);
  });

  test('one file is preferred to an index', async () => {
    const source = shards({ [MODEL]: safetensorsFile({ z: counting(1, 1) }) });
    expect([...(await openSafetensors(source)).keys()]).toEqual(['z']);
  });

  test('index and shards that disagree', async () => {
    const { '2.safetensors': _, ...rest } = Object.fromEntries(shards().files);
    const missing = openSafetensors(new MemorySource(rest));
    await expectError(missing, 'FILE_NOT_FOUND', '2.safetensors', INDEX);

    const absent = withIndex({ weight_map: { ...index.weight_map, d: '2.safetensors' } });
    await expectError(openSafetensors(absent), 'TENSOR_MISSING', '"d"', '2.safetensors');

    const elsewhere = withIndex({ weight_map: { ...index.weight_map, a: '2.safetensors' } });
    const parts = ['"a"', '2.safetensors', '1.safetensors does'];
    await expectError(openSafetensors(elsewhere), 'TENSOR_MISSING', ...parts);

    const twice = shards({
      '2.safetensors': safetensorsFile({ c: counting(24, 3), a: counting(8, 1) }),
    });
    await expectError(
      openSafetensors(twice),
      'FILE_INVALID',
      '"a"',
      'two shards',
      '1.safe',
      '2.safe',
    );

    const broken = shards({ '2.safetensors': two.slice(0, -1) });
    await expectError(openSafetensors(broken), 'FILE_TRUNCATED', '2.safetensors');
  });

  test.each([
    [[], 'weight_map undefined'],
    [{}, 'weight_map undefined'],
    [{ weight_map: ['a'] }, 'weight_map ["a"]'],
    [{ weight_map: { a: 3 } }, 'tensor "a" the file 3'],
  ])('index %j is refused', async (value, part) => {
    await expectError(openSafetensors(withIndex(value)), 'FILE_INVALID', INDEX, part);
  });

  test('an index cannot lead out of the folder', async () => {
    const source = shards({ [INDEX]: json({ weight_map: { a: '../1.safetensors' } }) });
    source.files.set('../1.safetensors', one);
    await expectError(openSafetensors(source), 'FILE_INVALID', '"../1.safetensors"');
  });

  test('a checkpoint written by Hugging Face transformers', async () => {
    const files = [1, 2, 3, 4].map((i) => `model-0000${i}-of-00004.safetensors`);
    const source = await fixtureSource('gpt2_sharded', [INDEX, ...files]);
    const tensors = await openSafetensors(source);
    expect(tensors.size).toBe(28);
    expect(tensors.get('transformer.wte.weight')).toMatchObject({ dtype: 'F32', shape: [120, 32] });
    const whole = await collect(source, tensors.values(), { chunkBytes: 4096 });
    const wanted = [...tensors.values()].reduce((sum, { start, end }) => sum + end - start, 0);
    expect(wanted).toBe(4 * 30848);
    expect([...whole.values()].reduce((sum, { length }) => sum + length, 0)).toBe(wanted);
    for (const bytes of whole.values()) expect(asFloat32(bytes).every(Number.isFinite)).toBe(true);
    expect(source.bytesReadAgain).toBe(0);
  });
});

describe('reading', () => {
  const stored: Record<string, StoredTensor> = {};
  for (let i = 0; i < 40; i++) stored[`t${i}`] = counting([3, 0, 64, 1000, 5000][i % 5] ?? 0, i);
  const file = safetensorsFile(stored, 3);
  const wanted = new Map(Object.entries(stored).map(([name, { bytes }]) => [name, bytes]));
  const total = [...wanted.values()].reduce((sum, { length }) => sum + length, 0);

  async function opened(files: Record<string, Uint8Array> = { [MODEL]: file }) {
    const source = new MemorySource(files);
    const tensors = await openSafetensors(source);
    source.reads.length = 0;
    return { source, tensors: [...tensors.values()] };
  }

  test.each([8, 15, 24, 1000, 1024, 4096, 1 << 20])(
    'whole tensors by chunks of %i',
    async (chunk) => {
      const { source, tensors } = await opened();
      expect(await collect(source, tensors, { chunkBytes: chunk })).toEqual(wanted);
      expect(source.bytesRead).toBe(total);
      expect(source.bytesReadAgain).toBe(0);
      expect(Math.max(...source.reads.map(({ start, end }) => end - start))).toBeLessThanOrEqual(
        chunk,
      );
      expect(source.peakPending).toBe(Math.min(4, source.reads.length));
    },
  );

  test('small neighbours share a read', async () => {
    const { source, tensors } = await opened();
    await collect(source, tensors);
    expect(source.reads.length).toBe(1);
    source.reads.length = 0;
    await collect(source, tensors, { chunkBytes: 8192 });
    expect(source.reads.length).toBeLessThanOrEqual(Math.ceil(total / 4096));
  });

  test('pieces of a large tensor are multiples of 8 bytes', async () => {
    const { source, tensors } = await opened();
    const pieces: TensorPiece[] = [];
    for await (const piece of readTensors(source, tensors, { chunkBytes: 999 })) pieces.push(piece);
    const large = pieces.filter(({ entry: { name } }) => name === 't4');
    expect(large.map(({ offset }) => offset)).toEqual([0, 992, 1984, 2976, 3968, 4960]);
    expect(large.at(-1)?.bytes.length).toBe(40);
  });

  test('small gaps are read through, large ones are jumped over', async () => {
    const gap = 64 * 1024;
    const { source, tensors } = await opened({
      [MODEL]: safetensorsFile({
        a: counting(8, 1),
        skipped: counting(gap, 2),
        b: counting(8, 3),
        far: counting(gap + 1, 4),
        c: counting(8, 5),
      }),
    });
    const some = tensors.filter(({ name }) => 'abc'.includes(name));
    expect([...(await collect(source, some)).values()]).toEqual([
      counting(8, 1).bytes,
      counting(8, 3).bytes,
      counting(8, 5).bytes,
    ]);
    expect(source.reads.map(({ start, end }) => end - start)).toEqual([gap + 16, 8]);
  });

  test('files come in the order asked for, tensors in the order of bytes, none twice', async () => {
    const { source, tensors } = await opened({
      [INDEX]: json({ weight_map: { a: '1.safetensors', c: '2.safetensors' } }),
      '1.safetensors': safetensorsFile({ a: counting(8, 1), b: counting(8, 2) }),
      '2.safetensors': safetensorsFile({ c: counting(8, 3) }),
    });
    const reversed = tensors.toReversed();
    const whole = await collect(source, [...reversed, ...reversed]);
    expect([...whole.keys()]).toEqual(['c', 'a', 'b']);
    expect(source.reads.map(({ file: name }) => name)).toEqual(['2.safetensors', '1.safetensors']);
  });

  test('progress counts the wanted bytes of each file', async () => {
    const { source, tensors } = await opened();
    const seen: FileProgress[] = [];
    const some = tensors.filter(({ name }) => ['t3', 't4', 't8'].includes(name));
    const onProgress = (progress: FileProgress): void => void seen.push(progress);
    await collect(source, some, { chunkBytes: 2048, onProgress });
    // t3; two chunks of t4; the rest of t4, 67 bytes that nobody wants, and t8.
    expect(seen.map(({ loaded }) => loaded)).toEqual([0, 1000, 3048, 5096, 7000]);
    expect(source.bytesRead).toBe(7067);
    expect(new Set(seen.map(({ file: name, total: sum }) => `${name} ${sum}`))).toEqual(
      new Set([`${MODEL} 7000`]),
    );
    const none: FileProgress[] = [];
    await collect(source, [], { onProgress: (progress) => none.push(progress) });
    expect(none).toEqual([]);
  });

  test('never more than five chunks are in memory', async () => {
    const { source, tensors } = await opened();
    let consumed = 0;
    for await (const { bytes } of readTensors(source, tensors, { chunkBytes: 512 })) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      expect(source.bytesRead - consumed).toBeLessThanOrEqual(5 * 512);
      consumed += bytes.length;
    }
    expect(consumed).toBe(total);
  });

  test('a source that ignores ranges gives the same tensors', async () => {
    const { source, tensors } = await opened();
    const sloppy: Source = { read: (name) => source.read(name) };
    expect(await collect(sloppy, tensors, { chunkBytes: 4096 })).toEqual(wanted);
  });

  test.each([0, 7, -8, 8.5, NaN])('chunkBytes %d is refused', async (chunkBytes) => {
    const { source, tensors } = await opened();
    await expectError(collect(source, tensors, { chunkBytes }), 'OPTION_INVALID', `${chunkBytes}`);
  });

  test('a file that went away or was cut since it was opened', async () => {
    const { source, tensors } = await opened();
    source.files.set(MODEL, file.slice(0, -1));
    await expectError(collect(source, tensors), 'FILE_TRUNCATED', MODEL);
    source.files.delete(MODEL);
    await expectError(collect(source, tensors), 'FILE_NOT_FOUND', MODEL);
  });

  test('an abort between two pieces and before the first', async () => {
    const { source, tensors } = await opened();
    const controller = new AbortController();
    const { signal } = controller;
    let pieces = 0;
    const reading = async (): Promise<void> => {
      for await (const _ of readTensors(source, tensors, { signal, chunkBytes: 512 })) {
        if (++pieces === 3) controller.abort('enough');
      }
    };
    const error = await expectError(reading(), 'ABORTED');
    expect(error.cause).toBe('enough');
    expect(pieces).toBe(3);
    source.reads.length = 0;
    await expectError(collect(source, tensors, { signal }), 'ABORTED');
    expect(source.reads).toEqual([]);
  });

  test('an abort ends a read that never comes back', async () => {
    const { tensors } = await opened();
    const stuck: Source = { read: () => new Promise(() => undefined) };
    const controller = new AbortController();
    const reading = collect(stuck, tensors, { signal: controller.signal });
    setTimeout(() => controller.abort(), 5);
    await expectError(reading, 'ABORTED');
  });

  test('leaving the loop aborts the reads ahead, and their failure bothers nobody', async () => {
    const { source, tensors } = await opened();
    const signals: AbortSignal[] = [];
    const watched: Source = {
      read: async (name, range, signal) => {
        if (signal !== undefined) signals.push(signal);
        if (signals.length === 1) return source.read(name, range);
        return new Promise((_, reject) => {
          signal?.addEventListener('abort', () => reject(new Error('stopped')));
        });
      },
    };
    for await (const _ of readTensors(watched, tensors, { chunkBytes: 512 })) break;
    expect(signals.map(({ aborted }) => aborted)).toEqual(Array(5).fill(true));
    await new Promise((resolve) => setTimeout(resolve, 5));
  });

  test('a failure while reading ahead is told when its turn comes', async () => {
    const { source, tensors } = await opened();
    let reads = 0;
    const failing: Source = {
      read: (name, range) =>
        ++reads === 2 ? Promise.reject(new Error('disk')) : source.read(name, range),
    };
    let pieces = 0;
    const reading = async (): Promise<void> => {
      for await (const _ of readTensors(failing, tensors, { chunkBytes: 1024 })) {
        await new Promise((resolve) => setTimeout(resolve, 2));
        pieces++;
      }
    };
    await expectError(reading(), 'FILE_UNREADABLE', 'disk');
    expect(pieces).toBe(3);
  });
});

describe('16-bit checkpoints written by Hugging Face transformers', () => {
  test.each([
    ['bert_seqcls_f16', 'F16', 21444, float16ToFloat32, float32ToFloat16],
    ['llama_bf16', 'BF16', 28320, bfloat16ToFloat32, float32ToBfloat16],
  ] as const)('%s', async (folder, dtype, parameters, widen, round) => {
    const source = await fixtureSource(folder, [MODEL]);
    const tensors = await openSafetensors(source);
    const whole = await collect(source, tensors.values());
    let count = 0;
    let squares = 0;
    for (const [name, bytes] of whole) {
      expect(tensors.get(name)?.dtype).toBe(dtype);
      const bits = asUint16(bytes);
      const values = widen(bits);
      expect(round(values)).toEqual(bits);
      for (const value of values) squares += value * value;
      count += values.length;
    }
    expect(count).toBe(parameters);
    // Random weights of the size usual at the start of training, norms near 1 among them.
    expect(Math.sqrt(squares / count)).toBeGreaterThan(0.01);
    expect(Math.sqrt(squares / count)).toBeLessThan(1);
  });
});
