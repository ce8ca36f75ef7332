// Checkpoints for tests: sources over fixtures and over files in memory, and the tensors in them.

import type { Source } from 'webgpu-transformer';
import { readFixture } from './fixture.ts';

/** Files of a checkpoint by name. */
export type Files = Readonly<Record<string, Uint8Array<ArrayBuffer>>>;

export interface Values {
  readonly data: Float32Array<ArrayBuffer>;
  readonly shape: readonly number[];
}

const read = new Map<string, Promise<Uint8Array<ArrayBuffer> | undefined>>();

/** A fixture's file, read once; undefined when it is missing. */
function fixtureFile(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const file = read.get(path) ?? readFixture(path).catch(() => undefined);
  read.set(path, file);
  return file;
}

/** The files of a case under test/fixtures, or of `models/phrases`, as a model's source. */
export function fixtureSource(folder: string): Source {
  return {
    name: folder,
    read: async (file, range) => {
      const bytes = await fixtureFile(`${folder}/${file}`);
      return range === undefined ? bytes : bytes?.subarray(range.start, range.end);
    },
    size: async (file) => (await fixtureFile(`${folder}/${file}`))?.length,
  };
}

/** A model's source over files in memory. */
export function memorySource(files: Files): Source {
  return {
    name: 'memory',
    read: async (file, range) => files[file]?.subarray(range?.start, range?.end),
    size: async (file) => files[file]?.length,
  };
}

/** The checkpoint of a fixture, in memory, to be changed. */
export async function fixtureFiles(
  folder: string,
  names: readonly string[] = ['config.json', 'generation_config.json', 'model.safetensors'],
): Promise<Record<string, Uint8Array<ArrayBuffer>>> {
  const files: Record<string, Uint8Array<ArrayBuffer>> = {};
  for (const name of names) files[name] = await readFixture(`${folder}/${name}`);
  return files;
}

/** JSON files of these values. */
export function jsonFiles(contents: Readonly<Record<string, unknown>>): Files {
  const bytes = (value: unknown): Uint8Array<ArrayBuffer> =>
    new TextEncoder().encode(JSON.stringify(value));
  return Object.fromEntries(Object.entries(contents).map(([name, value]) => [name, bytes(value)]));
}

/** A JSON file with some fields changed. */
export function withFields(
  file: Uint8Array | undefined,
  fields: Readonly<Record<string, unknown>>,
): Uint8Array<ArrayBuffer> {
  const before = file === undefined ? {} : (JSON.parse(new TextDecoder().decode(file)) as object);
  return new TextEncoder().encode(JSON.stringify({ ...before, ...fields }));
}

/** The f32 tensors of a safetensors file. Trusts the file. */
export function readValues(file: Uint8Array<ArrayBuffer>): Map<string, Values> {
  const view = new DataView(file.buffer, file.byteOffset);
  const start = 8 + Number(view.getBigUint64(0, true));
  type Entry = { dtype: string; shape: number[]; data_offsets: [number, number] };
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, start))) as Record<
    string,
    Entry
  >;
  const values = new Map<string, Values>();
  for (const [name, { dtype, shape, data_offsets: [from, to] = [0, 0] }] of Object.entries(
    header,
  )) {
    if (dtype !== 'F32') continue;
    values.set(name, {
      shape,
      data: new Float32Array(file.slice(start + from, start + to).buffer),
    });
  }
  return values;
}
