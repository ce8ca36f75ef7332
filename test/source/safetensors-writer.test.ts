// The safetensors writer: what it writes is read back as it was, by the rules of the format.

import { expect, test } from 'vitest';
import { float16ToFloat32 } from '../../src/source/float16.ts';
import { openSafetensorsFile, readTensors } from '../../src/source/safetensors.ts';
import {
  safetensors,
  type SafetensorsOptions,
  type StoredValues,
} from '../../src/source/safetensors-writer.ts';
import { readFixture } from '../support/fixture.ts';
import { memorySource, readValues } from '../support/source.ts';

type Header = Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;

function headerOf(file: Uint8Array<ArrayBuffer>): { header: Header; dataAt: number } {
  const dataAt = 8 + Number(new DataView(file.buffer).getBigUint64(0, true));
  return {
    header: JSON.parse(new TextDecoder().decode(file.subarray(8, dataAt))) as Header,
    dataAt,
  };
}

/** Every tensor as the library's reader finds it: format, shape, bytes. */
async function read(file: Uint8Array<ArrayBuffer>) {
  const source = memorySource({ f: file });
  const entries = await openSafetensorsFile(source, 'f');
  const found = new Map<string, { dtype: string; shape: readonly number[]; bytes: Uint8Array }>();
  for (const { name, dtype, shape, start, end } of entries.values()) {
    found.set(name, { dtype, shape, bytes: new Uint8Array(end - start) });
  }
  for await (const { entry, offset, bytes } of readTensors(source, entries.values(), {})) {
    found.get(entry.name)!.bytes.set(bytes, offset);
  }
  return found;
}

const tensors = new Map<string, StoredValues>([
  ['b', { shape: [2, 3], data: Float32Array.of(0, -0, 1.5, NaN, -Infinity, 1e-42) }],
  ['é.weight', { shape: [1], data: Float32Array.of(7) }],
  ['a', { shape: [], data: Float32Array.of(3) }],
  ['counts', { shape: [3], data: Uint32Array.of(0, 1, 0xffffffff) }],
  ['empty', { shape: [0, 4], data: new Float32Array(0) }],
]);

test('values, shapes and formats come back bit for bit', async () => {
  const found = await read(safetensors(tensors));
  expect([...found.keys()]).toEqual(['a', 'b', 'counts', 'empty', 'é.weight']);
  for (const [name, { shape, data }] of tensors) {
    const bytes = new Uint8Array(data.buffer);
    const dtype = name === 'counts' ? 'U32' : 'F32';
    expect(found.get(name), `tensor ${name}`).toEqual({ dtype, shape, bytes });
  }
});

test('the file is laid out as the format asks', () => {
  const names = ['x'.repeat(1), 'x'.repeat(2), 'x'.repeat(3), 'x'.repeat(5), 'x'.repeat(8)];
  for (const name of names) {
    const file = safetensors(new Map([[name, { shape: [1], data: Float32Array.of(1) }]]));
    const { header, dataAt } = headerOf(file);
    expect(dataAt % 8, 'data begins at a multiple of 8').toBe(0);
    expect(header[name]).toEqual({ dtype: 'F32', shape: [1], data_offsets: [0, 4] });
    expect(file).toHaveLength(dataAt + 4);
    expect(header['__metadata__']).toEqual({ format: 'pt' });
  }
  const { header } = headerOf(safetensors(tensors, { metadata: { format: 'pt', more: '"\n' } }));
  expect(header['__metadata__']).toEqual({ format: 'pt', more: '"\n' });
  // Without gaps: each tensor begins where the one before it ends.
  const offsets = Object.entries(header).filter(([name]) => name !== '__metadata__');
  let at = 0;
  for (const [name, entry] of offsets) {
    expect(entry.data_offsets[0], `tensor ${name}`).toBe(at);
    [, at] = entry.data_offsets;
  }
});

test('f16 rounds to nearest, ties to even, and leaves integers alone', async () => {
  const data = Float32Array.of(
    1,
    1 + 2 ** -11,
    1 + 3 * 2 ** -11,
    1 + 2 ** -11 + 2 ** -20,
    -65519,
    65520,
    2 ** -25,
    0.1,
  );
  const options: SafetensorsOptions = { dtype: 'f16' };
  const both = new Map<string, StoredValues>([
    ['half', { shape: [2, 4], data }],
    ['whole', { shape: [1], data: Uint32Array.of(5) }],
  ]);
  const found = await read(safetensors(both, options));
  const { dtype, shape, bytes } = found.get('half')!;
  expect([dtype, shape]).toEqual(['F16', [2, 4]]);
  expect([...float16ToFloat32(new Uint16Array(bytes.buffer))]).toEqual([
    1,
    1,
    1 + 2 ** -9,
    1 + 2 ** -10,
    -65504,
    Infinity,
    0,
    0.0999755859375,
  ]);
  expect(found.get('whole')).toEqual({
    dtype: 'U32',
    shape: [1],
    bytes: Uint8Array.of(5, 0, 0, 0),
  });
});

test('a file of the format’s own writer is written again byte for byte', async () => {
  const file = await readFixture('marian/model.safetensors');
  const { header } = headerOf(file.slice());
  const metadata = header['__metadata__'] as unknown as Record<string, string>;
  const again = safetensors(readValues(file), { metadata });
  expect(again).toHaveLength(file.length);
  expect(again.findIndex((byte, i) => byte !== file[i])).toBe(-1);
});

test('values that do not fill their shape are refused', () => {
  const short = new Map([['x', { shape: [2, 2], data: new Float32Array(3) }]]);
  expect(() => safetensors(short)).toThrow('x has 3 values for the shape (2, 2)');
});
