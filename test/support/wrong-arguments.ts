// Calls with every argument, option and element replaced by every wrong value: each ends in a typed error,
// or in an answer where the value is right by its type.

import { expect } from 'vitest';
import { TransformerError } from 'webgpu-transformer';
import type { Callable, Place } from './interface.ts';
import { wrongValues } from './wrong-values.ts';

/** How a callable is tried. */
export interface Way {
  readonly call: (...args: never[]) => unknown;
  /** Arguments that are right, made anew for each call; several where they may have several forms. */
  readonly right: readonly (() => unknown[])[];
  /** Values that are taken besides those that the types say, by the place: `1.topK`. */
  readonly takes?: Readonly<Record<string, readonly string[]>>;
}

/**
 * Expects every wrong call to be refused. `check` says what it left behind, if anything. `every`: so many wrong
 * values stand for one that is tried at a place, others at the next.
 */
export async function expectRefused(
  { name, slots }: Callable,
  { call, right, takes = {} }: Way,
  check: () => unknown = () => undefined,
  every: number = 1,
): Promise<void> {
  const wrong = new Map<string, string[]>();
  const note = (what: string, value: string): void => {
    wrong.set(what, [...(wrong.get(what) ?? []), value]);
  };
  for (const make of right) await settle(() => call(...(make() as never[])));
  let before = JSON.stringify(check());
  const values = [...wrongValues];
  for (const [number, { place, fits }] of slots.entries()) {
    const where = place.join('.');
    for (const [value, of] of values.filter((_, index) => index % every === number % every)) {
      const args = argumentsWith(right, place, of());
      const { error } = await settle(() => call(...(args as never[])), true);
      const isTaken = fits.includes(value) || (takes[where] ?? []).includes(value);
      const failure = failureOf(error, isTaken);
      if (failure !== undefined) note(`${where}: ${failure}`, value);
      // What was answered may have left a list for the next call.
      const after = JSON.stringify(check());
      if (error !== undefined && after !== before) note(`${where}: left memory`, value);
      before = after;
    }
  }
  expect({ name, wrong: Object.fromEntries(wrong) }).toEqual({ name, wrong: {} });
}

/**
 * Expects the same of what was disposed of: of methods, and of calls with it as an argument or an option.
 * `ended`: one of each class, by its name.
 */
export async function expectEnded(
  { name, slots }: Callable,
  { call, right }: Way,
  ended: Readonly<Record<string, object>>,
): Promise<void> {
  const wrong: string[] = [];
  const attempt = async (what: string, work: () => unknown): Promise<void> => {
    const { error } = await settle(work, true);
    const { code = error, message = '' } = (error ?? {}) as Partial<TransformerError>;
    const isTold = code === 'DISPOSED' || (code === 'DEVICE_LOST' && message.includes('disposed'));
    if (!isTold) wrong.push(`${what}: ${String(code)} ${message}`);
  };
  const [owner = '', method = ''] = name.split('.');
  const receiver = Object.entries(ended).find(([one]) => one.toLowerCase() === owner)?.[1];
  if (receiver !== undefined && !/^\[|^dispose$/.test(method)) {
    const run = Reflect.get(receiver, method) as (...args: unknown[]) => unknown;
    for (const make of right) await attempt('itself', () => run.apply(receiver, make()));
  }
  for (const { place, classes } of slots) {
    const objects = Object.entries(ended).filter(([one]) => classes.includes(one));
    for (const [kind, object] of objects) {
      const args = argumentsWith(right, place, object);
      await attempt(`${kind} as ${place.join('.')}`, () => call(...(args as never[])));
    }
  }
  expect({ name, wrong }).toEqual({ name, wrong: [] });
}

function failureOf(error: unknown, isTaken: boolean): string | undefined {
  if (error === undefined) return isTaken ? undefined : 'was taken';
  if (!(error instanceof TransformerError)) {
    const { stack } = error as Partial<Error>;
    return stack?.split('\n').slice(0, 3).join(' ').slice(0, 300) ?? 'threw no error';
  }
  const { code, message } = error;
  if (code === 'VALIDATION_FAILED' || message.includes('defect')) return `${code}: ${message}`;
  if (!/[.?!]$/.test(message)) return `no sentence: ${message}`;
  return message.length > 4000 ? `a long message: ${message.slice(0, 100)}` : undefined;
}

/** Makes the call, and reads and frees what it gives. Errors of calls that ought to fail are returned. */
async function settle(call: () => unknown, mayFail = false): Promise<{ error?: unknown }> {
  try {
    const result: unknown = await call();
    if (typeof result !== 'object' || result === null) return {};
    if (Symbol.asyncIterator in result) {
      let count = 0;
      for await (const _ of result as AsyncIterable<unknown>) if (++count === 3) break;
    }
    if (Symbol.dispose in result) (result as Disposable)[Symbol.dispose]();
    return {};
  } catch (error) {
    if (!mayFail) throw error;
    return { error: error ?? 'nothing was thrown' };
  }
}

/** The right arguments that have what holds the place, with another value there. */
function argumentsWith(right: Way['right'], place: Place, value: unknown): unknown[] {
  const inner = place.slice(0, -1);
  const name = place.at(-1) ?? 0;
  const all = right.map((make) => make());
  const holds = (args: unknown[]): boolean => {
    const holder = inner.reduce<unknown>((from, key) => fieldOf(from, key), args);
    return typeof name === 'number' ? Array.isArray(holder) : isPlain(holder);
  };
  const args = all.find(holds) ?? all[0] ?? [];
  let holder: unknown = args;
  for (const [at, key] of inner.entries()) {
    const next = place[at + 1];
    const found = fieldOf(holder, key);
    const fits = typeof next === 'number' ? Array.isArray(found) : isPlain(found);
    if (!fits) Reflect.set(holder as object, key, typeof next === 'number' ? [] : {});
    holder = fieldOf(holder, key);
  }
  Reflect.set(holder as object, name, value);
  return args;
}

function fieldOf(value: unknown, key: string | number): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

function isPlain(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
