// What PyTorch computed for a case of test/fixtures, and the comparison with it.

import { expect } from 'vitest';
import type { DenseTensor, GenerateOptions } from 'webgpu-transformer';
import { readFixture, readFixtureJson } from './fixture.ts';
import { readValues, type Values } from './source.ts';

export type Rows = number[][];

interface Valid {
  readonly mask?: string;
  readonly not?: string;
  readonly dims: readonly number[];
}

export interface Generation {
  readonly name: string;
  readonly inputs: { input_ids: Rows; attention_mask: Rows } & Readonly<Record<string, unknown>>;
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly sequences: Rows;
  /** Of beam search. */
  readonly sequences_scores?: readonly number[];
}

export interface ExpectedCase {
  /** Calls and their arguments, as in inputs.json. */
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly values: ReadonlyMap<string, Values>;
  readonly generate: readonly Generation[];
  readonly valid: Readonly<Record<string, Valid | undefined>>;
}

export async function readCase(name: string): Promise<ExpectedCase> {
  const about = (await readFixtureJson(`${name}/expected.json`)) as {
    tensors: Record<string, { valid?: Valid }>;
    generate?: Generation[];
  };
  return {
    inputs: await readInputs(name),
    values: readValues(await readFixture(`${name}/expected.safetensors`)),
    generate: await Promise.all(
      (about.generate ?? []).map(async (run) => ({
        ...run,
        inputs: (await readArguments(
          name,
          `generate.${run.name}`,
          run.inputs,
        )) as Generation['inputs'],
      })),
    ),
    valid: Object.fromEntries(Object.entries(about.tensors).map(([key, v]) => [key, v.valid])),
  };
}

/** Calls and their arguments; those that lie in a file of tensors from there. */
async function readInputs(name: string): Promise<Record<string, unknown>> {
  const calls = (await readFixtureJson(`${name}/inputs.json`)) as Record<string, object>;
  const all = Object.entries(calls).map(async ([call, args]) => [
    call,
    Array.isArray(args) ? (args as unknown[]) : await readArguments(name, call, args),
  ]);
  return Object.fromEntries(await Promise.all(all)) as Record<string, unknown>;
}

async function readArguments(
  name: string,
  call: string,
  args: object,
): Promise<Record<string, unknown>> {
  const entries = Object.entries(args) as [string, unknown][];
  const found = entries.map(async ([key, value]): Promise<[string, unknown]> => {
    const { in: file } = Object(value) as { in?: string };
    if (file === undefined) return [key, value];
    return [key, readValues(await readFixture(`${name}/${file}`)).get(`${call}/${key}`)];
  });
  return Object.fromEntries(await Promise.all(found));
}

/** The arguments of a run of `generate`, by the names they have here. */
export function generateOptions({ kwargs }: Generation): GenerateOptions {
  return inCamelCase(kwargs);
}

/** What is under Hugging Face's names, under those that it has here. */
export function inCamelCase(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const camelCase = (name: string): string =>
    name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const inside = (value: unknown): unknown =>
    Array.isArray(value) && value.some((item) => typeof item === 'object' && !Array.isArray(item))
      ? value.map((item) => inCamelCase(item as Record<string, unknown>))
      : value;
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [camelCase(name), inside(value)]),
  );
}

/** The largest difference allowed, as a part of the largest expected value. */
const relative = 2e-5;

/** Expects a tensor of a case, where its rows are valid. `masks` are those of its call. */
export function expectTensor(
  got: DenseTensor | undefined,
  name: string,
  { values, valid }: ExpectedCase,
  masks: Readonly<Record<string, unknown>> = {},
): void {
  const wanted = values.get(name);
  if (wanted === undefined) throw new Error(`The case has no ${name}.`);
  const rule = valid[name];
  if (rule === undefined) return expectClose(got, wanted, name);
  const mask = masks[rule.mask ?? rule.not ?? ''] as (number | boolean)[][];
  expectClose(got, wanted, name, (index) => {
    const [row = 0, column = 0] = rule.dims.map((dim) => index[dim]!);
    return Boolean(mask[row]![column]) === (rule.not === undefined);
  });
}

/** Expects the same shape, and values within `bound` of the largest one. */
export function expectClose(
  got: DenseTensor | undefined,
  wanted: DenseTensor,
  name: string,
  counts: (index: readonly number[]) => boolean = () => true,
  bound: number = relative,
): void {
  expect(got?.shape, `shape of ${name}`).toEqual(wanted.shape);
  const { data, shape } = wanted;
  let largest = 0;
  let worst = 0;
  let counted = 0;
  for (let at = 0; at < data.length; at++) {
    const index: number[] = [];
    let rest = at;
    for (const size of shape.toReversed()) {
      index.unshift(rest % size);
      rest = Math.floor(rest / size);
    }
    if (!counts(index)) continue;
    counted++;
    largest = Math.max(largest, Math.abs(data[at]!));
    const difference = Math.abs(got!.data[at]! - data[at]!);
    worst = Math.max(worst, Number.isNaN(difference) ? Infinity : difference);
  }
  expect(counted, `values of ${name} that count`).toBeGreaterThan(0);
  expect(worst, `${name} is off by`).toBeLessThanOrEqual(bound * largest);
}
