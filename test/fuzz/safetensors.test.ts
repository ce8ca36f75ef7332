// Safetensors files that lie: what is opened covers the file exactly, all else is a typed error.
import { expect } from 'vitest';
import { TransformerError } from '../../src/runtime/errors.ts';
import { openSafetensors, type TensorEntry } from '../../src/source/safetensors.ts';
import type { FileRange, Source } from '../../src/source/source.ts';
import { cases, nasty } from '../support/fuzz.ts';
import type { Random } from '../support/random.ts';

const MODEL = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const bits: Readonly<Record<string, number>> = { F64: 64, F32: 32, BF16: 16, I8: 8, F4: 4 };
const encoder = new TextEncoder();

type Header = Record<string, unknown>;

/** An honest header, and how many bytes of data it speaks of. */
function honest(random: Random): { header: Header; length: number } {
  const header: Header = random.next() < 0.5 ? { __metadata__: { format: 'pt' } } : {};
  let length = 0;
  for (let i = random.integer(0, 5); i > 0; i--) {
    const dtype = random.pick(Object.keys(bits));
    const shape = Array.from({ length: random.integer(0, 3) }, () => 2 * random.integer(0, 3));
    const size = (shape.reduce((a, b) => a * b, 1) * bits[dtype]!) / 8;
    if (!Number.isInteger(size)) continue;
    header[`t${i}`] = { dtype, shape, data_offsets: [length, length + size] };
    length += size;
  }
  return { header, length };
}

/** Changes one thing that a header says. */
function lie(random: Random, header: Header): void {
  const names = Object.keys(header);
  const name = names.length > 0 ? random.pick(names) : 'new';
  const entry = header[name];
  const kinds = [
    () => (header[name] = nasty(random)),
    () => (header[`${name}2`] = structuredClone(entry)),
    () => delete header[name],
    () => (header['__metadata__'] = nasty(random)),
  ];
  if (typeof entry === 'object' && entry !== null) {
    const fields = entry as Record<string, unknown>;
    const key = random.pick(['dtype', 'shape', 'data_offsets']);
    kinds.push(
      () => (fields[key] = nasty(random)),
      () => delete fields[key],
      () => (fields[key] = [nasty(random), nasty(random)]),
      () => (fields['extra'] = nasty(random)),
      () => (fields['data_offsets'] = [random.integer(-8, 64), random.integer(-8, 64)]),
      () => (fields['shape'] = [2 ** 27, 2 ** 26, random.integer(0, 9)]),
    );
  }
  random.pick(kinds)();
}

/** The bytes of a file, most of them not quite right. */
function fileOf(random: Random): Uint8Array<ArrayBuffer> {
  const { header, length } = honest(random);
  if (random.next() < 0.6) lie(random, header);
  let text = JSON.stringify(header);
  if (random.next() < 0.3) {
    const at = random.integer(0, text.length);
    const noise = ['\ufeff', '{', '}', ',', '"', '[', ' ', '\\u', '1e999', '//', '\u0000', text];
    text = text.slice(0, at) + random.pick(noise) + text.slice(at + random.integer(0, 2));
  }
  text += ' '.repeat(random.integer(0, 9));
  const json = encoder.encode(text);
  const data = new Uint8Array(Math.max(0, length + random.pick([0, 0, 0, 0, 1, -1, 20])));
  const file = new Uint8Array(8 + json.length + data.length);
  file.set(json, 8);
  const off = random.pick([0, 0, 0, 0, 1, -1, -9, 1000, 2 ** 40]);
  const stated = BigInt.asUintN(64, BigInt(json.length + off));
  new DataView(file.buffer).setBigUint64(0, stated, true);
  if (random.next() < 0.1 && file.length > 0) {
    file[random.integer(0, file.length - 1)]! ^= 1 << random.integer(0, 7);
  }
  return random.next() < 0.1 ? file.slice(0, random.integer(0, file.length)) : file;
}

/** A source that tells sizes or not, and heeds ranges or not. */
function sourceOf(random: Random, files: ReadonlyMap<string, Uint8Array>, asked: string[]): Source {
  const [sized, ranged] = [random.next() < 0.5, random.next() < 0.7];
  return {
    read: async (file: string, range?: FileRange) => {
      asked.push(file);
      const bytes = files.get(file);
      return range === undefined || !ranged ? bytes : bytes?.slice(range.start, range.end);
    },
    ...(sized && { size: async (file: string) => files.get(file)?.length }),
  };
}

/** The tensors, or undefined where they were refused with an error of files. */
async function open(source: Source): Promise<Map<string, TensorEntry> | undefined> {
  try {
    return await openSafetensors(source);
  } catch (error) {
    expect(error).toBeInstanceOf(TransformerError);
    const { code, message } = error as TransformerError;
    expect(code).toMatch(/^FILE_|^TENSOR_MISSING$/);
    expect(message.length).toBeLessThan(1000);
    return undefined;
  }
}

function expectCover(entries: Iterable<TensorEntry>, file: Uint8Array): void {
  let at = 8 + Number(new DataView(file.buffer).getBigUint64(0, true));
  for (const { start, end, shape, dtype } of entries) {
    expect(start).toBe(at);
    const known = bits[dtype];
    const size = shape.reduce((a, b) => a * b, known ?? 0) / 8;
    if (known !== undefined) expect(end - start).toBe(size);
    at = end;
  }
  expect(at).toBe(file.length);
}

cases('files that lie', 600, async (random) => {
  const file = fileOf(random);
  const tensors = await open(sourceOf(random, new Map([[MODEL, file]]), []));
  if (tensors !== undefined) expectCover(tensors.values(), file);
});

cases('indexes that lie', 400, async (random) => {
  const files = new Map<string, Uint8Array>();
  const map: Record<string, unknown> = {};
  for (const shard of ['a.safetensors', 'sub/b.safetensors']) {
    const { header, length } = honest(random);
    const own = Object.entries(header).map(([name, value]) => [
      name === '__metadata__' ? name : `${shard}.${name}`,
      value,
    ]);
    const json = encoder.encode(JSON.stringify(Object.fromEntries(own)));
    const file = new Uint8Array(8 + json.length + length);
    new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
    file.set(json, 8);
    files.set(shard, file);
    for (const [name] of own) if (name !== '__metadata__') map[String(name)] = shard;
  }
  const names = Object.keys(map);
  const escapes = [
    '../up',
    '..\\up',
    '/etc/passwd',
    'C:/x',
    'a/../../b',
    './a',
    'a//b',
    'x\0',
    '',
    '.',
  ];
  const change = random.integer(0, 5);
  if (change === 1 && names.length > 0) map[random.pick(names)] = nasty(random);
  if (change === 2) map['new'] = random.pick(escapes);
  if (change === 3 && names.length > 0) delete map[random.pick(names)];
  if (change === 4) files.delete(random.pick([...files.keys()]));
  const index: unknown =
    change === 5 ? nasty(random) : { weight_map: map, metadata: nasty(random) };
  let text = JSON.stringify(index);
  if (random.next() < 0.1) text = text.slice(0, random.integer(0, text.length));
  if (random.next() < 0.1) text = `\ufeff${text}`;
  files.set(INDEX, encoder.encode(text));
  const asked: string[] = [];
  const tensors = await open(sourceOf(random, files, asked));
  // No name that could lead out of the folder reaches the source.
  for (const file of asked) {
    expect(file.split(/[\\/]/)).not.toContain('..');
    expect(file).not.toMatch(/^\/|^[A-Za-z]:|\0/);
  }
  for (const name of change === 0 && tensors !== undefined ? names : []) {
    expect(tensors?.get(name)?.file).toBe(map[name]);
  }
});
