// The tiny checkpoints of test/fixtures/tasks, and what Hugging Face's pipelines make of them.

import { expect } from 'vitest';
import type { DenseTensor, Source } from 'webgpu-transformer';
import type { TaskParts } from '../../src/tasks/task.ts';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { CpuEncoder, halfTensors } from './cpu-encoder.ts';
import { readFixture, readFixtureJson } from './fixture.ts';
import { type Files, fixtureFiles, memorySource, withFields } from './source.ts';

export interface ExpectedCall {
  /** The folder of the checkpoint: its kind, then its head. */
  readonly model: string;
  readonly task: string;
  readonly args: readonly unknown[];
  readonly expected: unknown;
}

export async function expectedCalls(): Promise<ExpectedCall[]> {
  return (await readFixtureJson('tasks/expected.json')) as ExpectedCall[];
}

/** What Hugging Face gives for the call with these arguments. */
export async function expectedResult(
  model: string,
  task: string,
  ...args: readonly unknown[]
): Promise<unknown> {
  const json = JSON.stringify(args);
  const calls = await expectedCalls();
  const found = calls.find(
    (call) => call.model === model && call.task === task && JSON.stringify(call.args) === json,
  );
  if (found === undefined) throw new Error(`There is no call of ${task} with ${json}.`);
  return found.expected;
}

/** The files of a checkpoint: those of its kind, which several share, and those of its head. */
export async function taskFiles(model: string): Promise<Files> {
  const [kind = '', head] = model.split('/');
  const files: Record<string, Uint8Array<ArrayBuffer>> = {};
  const read = async (name: string, from: string): Promise<void> => {
    files[name] = await readFixture(`tasks/${from}`);
  };
  await read('tokenizer.json', `${kind}/tokenizer.json`);
  await read('tokenizer_config.json', `${kind}/tokenizer_config.json`);
  await read('config.json', `${model}/config.json`);
  if (head === undefined) {
    await read('model.safetensors', `${kind}/model.safetensors`);
    await read('chat_template.jinja', `${kind}/chat_template.jinja`);
    return files;
  }
  await read('base.safetensors', `${kind}/base.safetensors`);
  if (head !== 'features') await read('head.safetensors', `${model}/head.safetensors`);
  files['model.safetensors.index.json'] = shardIndex(files);
  return files;
}

/** A model with the processor of a fixture of pictures. */
export async function pictureFiles(model: string, fixture: string): Promise<Files> {
  const { processor } = (await readFixtureJson(`processors/${fixture}.json`)) as {
    processor: Record<string, unknown>;
  };
  return {
    ...(await fixtureFiles(`variants/${model}`, ['config.json', 'model.safetensors'])),
    'preprocessor_config.json': withFields(undefined, processor),
  };
}

/** The index of a checkpoint in several files. */
function shardIndex(files: Files): Uint8Array<ArrayBuffer> {
  const shards = ['base.safetensors', 'head.safetensors'].flatMap((file) => {
    const bytes = files[file];
    if (bytes === undefined) return [];
    const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as object;
    return Object.keys(header)
      .filter((name) => name !== '__metadata__')
      .map((name): [string, string] => [name, file]);
  });
  const index = { metadata: {}, weight_map: Object.fromEntries(shards) };
  return new TextEncoder().encode(JSON.stringify(index));
}

/** A checkpoint whose model runs on the CPU, so that tasks can be tested apart from any device. */
export async function cpuParts(
  model: string,
  extra: Files = {},
): Promise<TaskParts & { model: CpuEncoder; files: Source }> {
  const files = { ...(await taskFiles(model)), ...extra };
  const source = memorySource(files);
  const config = JSON.parse(new TextDecoder().decode(files['config.json'])) as Record<
    string,
    unknown
  >;
  const shards = [files['base.safetensors'], files['head.safetensors']];
  const tensors = halfTensors(shards.filter((file) => file !== undefined));
  const tokenizer = await Tokenizer.load(source, undefined);
  return { model: new CpuEncoder(config, tensors), tokenizer, files: source };
}

/** How far numbers may be off: as a part of the number, and in any case. */
export interface Slack {
  readonly relative: number;
  readonly absolute: number;
}

/** Expects the same JSON; only numbers that are not whole may differ, by the slack. */
export function expectAlike(got: unknown, wanted: unknown, slack: Slack, path: string): void {
  if (typeof wanted === 'number' && typeof got === 'number') {
    const { relative, absolute } = slack;
    const most = Number.isInteger(wanted) ? 0 : relative * Math.abs(wanted) + absolute;
    const difference = Math.abs(got - wanted);
    expect(difference, `${path}: ${got} for ${wanted}`).toBeLessThanOrEqual(most);
  } else if (typeof wanted === 'object' && wanted !== null) {
    const keys = Object.keys(wanted).toSorted();
    expect(Object.keys(got ?? {}).toSorted(), `keys of ${path}`).toEqual(keys);
    for (const key of keys) {
      const [a, b] = [got as Record<string, unknown>, wanted as Record<string, unknown>];
      expectAlike(a[key], b[key], slack, `${path}.${key}`);
    }
  } else {
    expect({ [path]: got }).toEqual({ [path]: wanted });
  }
}

/** Makes the calls and expects what Hugging Face's pipelines gave. */
export async function expectCalls(
  task: unknown,
  calls: readonly ExpectedCall[],
  slack: Slack,
): Promise<void> {
  expect(calls.length).toBeGreaterThan(0);
  const run = task as (...args: readonly unknown[]) => Promise<unknown>;
  for (const { args, expected } of calls) {
    const result = await run(...args);
    const isTensor = typeof result === 'object' && result !== null && 'shape' in result;
    const plain = isTensor ? nested(result as DenseTensor) : result;
    expectAlike(plain, expected, slack, JSON.stringify(args));
  }
}

/** A dense tensor as nested lists. */
export function nested({ data, shape }: DenseTensor): unknown {
  if (shape.length <= 1) return [...data];
  const [count = 0, ...rest] = shape;
  const size = data.length / count;
  return Array.from({ length: count }, (_, i) =>
    nested({ data: data.subarray(i * size, (i + 1) * size), shape: rest }),
  );
}
