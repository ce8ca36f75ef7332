// Quantised fixtures: what Python makes of each with its weights dequantised.

import { expect } from 'vitest';
import {
  type ErrorCode,
  type Gpu,
  loadModel,
  type LoadOptions,
  type Model,
} from 'webgpu-transformer';
import { expectClose } from './expected.ts';
import { readFixtureJson } from './fixture.ts';
import { expectRejection } from './rejection.ts';
import { safetensorsFile, type StoredTensor } from './safetensors.ts';
import { type Files, fixtureFiles, fixtureSource, memorySource, withFields } from './source.ts';

type Fields = Readonly<Record<string, unknown>>;

interface Expected {
  readonly input_ids: number[][];
  readonly shape: number[];
  readonly logits: number[];
  /** Of the first five tokens, greedily. */
  readonly generated: number[][];
}

export function quantizedFixture(name: string): Promise<Expected> {
  return readFixtureJson(`quantized/${name}/expected.json`) as Promise<Expected>;
}

/** Expects the logits of a fixture, `bound` as of `expectClose`, and its tokens. */
export async function expectFixture(
  gpu: Gpu,
  name: string,
  { bound, ...options }: LoadOptions & { bound?: number } = {},
): Promise<Model> {
  const expected = await quantizedFixture(name);
  const model = await loadModel(fixtureSource(`quantized/${name}`), { gpu, ...options });
  const { logits } = await model.forward({ inputIds: expected.input_ids });
  const wanted = { data: Float32Array.from(expected.logits), shape: expected.shape };
  expectClose(logits, wanted, `${name}: logits`, undefined, bound);
  return model;
}

/** Expects the tokens of a fixture, of two prompts in one batch. */
export async function expectTokens(model: Model, name: string): Promise<void> {
  const { input_ids: ids, generated } = await quantizedFixture(name);
  const inputIds = ids.map((row) => row.slice(0, 5));
  const options = { maxNewTokens: 8, minNewTokens: 8, doSample: false };
  const { sequences } = await model.generate({ inputIds }, options);
  expect(sequences, `${name}: tokens`).toEqual(generated);
}

/** The tensors of a safetensors file, to be changed. Trusts the file. */
function tensorsIn(file: Uint8Array<ArrayBuffer>): Record<string, StoredTensor> {
  const start = 8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, start))) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  delete header['__metadata__'];
  return Object.fromEntries(
    Object.entries(header).map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [from, to],
        },
      ]) => [name, { dtype, shape, bytes: file.slice(start + from, start + to) }],
    ),
  );
}

/** A change of a fixture: fields of its quantization, or its tensors. */
export type Change = Fields | ((tensors: Record<string, StoredTensor>) => void);

export async function changedFixture(name: string, change: Change): Promise<Files> {
  const files = await fixtureFiles(`quantized/${name}`, ['config.json', 'model.safetensors']);
  const { 'config.json': config, 'model.safetensors': weights } = files;
  if (typeof change !== 'function') {
    const fields = JSON.parse(new TextDecoder().decode(config)) as Record<string, object>;
    // MLX writes both.
    const settings = ['quantization', 'quantization_config'].map((field): [string, unknown] => [
      field,
      fields[field] && { ...fields[field], ...change },
    ]);
    return { ...files, 'config.json': withFields(config, Object.fromEntries(settings)) };
  }
  const tensors = tensorsIn(weights!);
  change(tensors);
  return { ...files, 'model.safetensors': safetensorsFile(tensors) };
}

/** Expects that a changed fixture is refused with all these parts in the message, and leaves nothing. */
export async function expectRefused(
  gpu: Gpu,
  name: string,
  change: Change,
  code: ErrorCode,
  ...parts: string[]
): Promise<void> {
  const before = gpu.memory.bytes;
  const source = memorySource(await changedFixture(name, change));
  await expectRejection(loadModel(source, { gpu }), code, ...parts);
  expect(gpu.memory.bytes).toBe(before);
}

/** A tensor whose last axis is shorter or longer. */
export function resized(tensor: StoredTensor, shape: readonly number[]): StoredTensor {
  const [before, after] = [tensor.shape, shape].map((sizes) => sizes.reduce((a, b) => a * b, 1));
  const bytes = new Uint8Array((tensor.bytes.length / before!) * after!);
  bytes.set(tensor.bytes.subarray(0, bytes.length));
  return { ...tensor, shape, bytes };
}

/** A tensor with one element of two bytes replaced. */
export function withHalf(tensor: StoredTensor, at: number, half: number): StoredTensor {
  const bytes = new Uint8Array(tensor.bytes);
  new DataView(bytes.buffer).setUint16(2 * at, half, true);
  return { ...tensor, bytes };
}

/** Expects that each of these settings alone is refused by its name and that of the method. */
export async function expectFieldsRefused(
  gpu: Gpu,
  name: string,
  method: string,
  fields: Fields,
): Promise<void> {
  for (const [field, value] of Object.entries(fields)) {
    const parts = ['config.json', method, `"${field}"`, JSON.stringify(value)];
    await expectRefused(gpu, name, { [field]: value }, 'MODEL_UNSUPPORTED', ...parts);
  }
}
