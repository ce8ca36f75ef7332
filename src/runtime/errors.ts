// Every error this library raises on purpose. One class; `code` tells them apart by program,
// the message tells a person what was got, what was wanted, and what to do next, and no secret.

import { show } from './print.ts';
import { redact, redactCause } from './redact.ts';

/** What went wrong, for programs. Stable across releases. */
export type ErrorCode =
  | 'ABORTED'
  | 'ADAPTER_NOT_FOUND'
  | 'CONFIG_INVALID'
  | 'DEVICE_LOST'
  | 'DEVICE_REFUSED'
  | 'DISPOSED'
  | 'FILE_INVALID'
  | 'FILE_NOT_FOUND'
  | 'FILE_TRUNCATED'
  | 'FILE_UNREADABLE'
  | 'FILE_UNWRITABLE'
  | 'INPUT_INVALID'
  | 'LIMIT_EXCEEDED'
  | 'MODEL_UNSUPPORTED'
  | 'OPTION_INVALID'
  | 'OPTION_UNKNOWN'
  | 'OUT_OF_MEMORY'
  | 'SHADER_INVALID'
  | 'TENSOR_MISMATCH'
  | 'TENSOR_MISSING'
  | 'TRAINING_DIVERGED'
  | 'VALIDATION_FAILED';

/** The one error class of this library. `message` reads "what happened. next step." */
export class TransformerError extends Error {
  /** What went wrong, for programs. */
  readonly code: ErrorCode;

  /** An error of this code; secrets in the message, such as tokens in addresses, are left out of it. */
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    const { cause } = options ?? {};
    super(shortened(redact(message)), cause === undefined ? {} : { cause: redactCause(cause) });
    this.name = code === 'ABORTED' ? 'AbortError' : 'TransformerError';
    this.code = code;
  }
}

/** Characters of a message at most: names and paths may be of any length. */
const LONGEST_MESSAGE = 4000;

/** A message without its middle where it is too long: its end says what to do. */
function shortened(message: string): string {
  if (message.length <= LONGEST_MESSAGE) return message;
  return `${message.slice(0, LONGEST_MESSAGE - 1000)} … ${message.slice(-900)}`;
}

/** The error of a cancelled call: `name` is `AbortError`, `cause` is the signal's reason. */
export function abortError(signal: AbortSignal): TransformerError {
  return new TransformerError('ABORTED', 'The call was aborted by its signal.', {
    cause: signal.reason,
  });
}

/** Throws the abort error when the signal has fired. Errors: OPTION_INVALID for what is no signal. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  if (!isSignal(signal)) {
    throw new TransformerError('OPTION_INVALID', 'signal is no AbortSignal. Pass one, or none.');
  }
  if (signal.aborted) throw abortError(signal);
}

const LONGEST_NAME = 200;

/**
 * The name among `known` closest to `name`, or undefined when none is near. Names compare
 * without case, `_` and `-`, so `max_new_tokens` finds `maxNewTokens`.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  // The comparison takes the product of both lengths, and nothing so long was meant as a name.
  if (name.length > LONGEST_NAME) return undefined;
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[_-]/g, '');
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    if (candidate.length > LONGEST_NAME) continue;
    const distance = editDistance(plain(name), plain(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** A class, whoever may construct it. */
interface Class<T> {
  readonly prototype: T;
  [Symbol.hasInstance](value: unknown): boolean;
}

/** Whether a value is of a class. What fails to be looked at is not. */
export function isA<T>(given: unknown, of: Class<T>): given is T {
  try {
    return of[Symbol.hasInstance](given);
  } catch {
    return false;
  }
}

/** A field of an object; undefined of what is none, and where looking at it fails. */
export function fieldOf(given: unknown, name: string | symbol): unknown {
  if (typeof given !== 'object' || given === null) return undefined;
  try {
    return (given as Readonly<Record<string | symbol, unknown>>)[name];
  } catch {
    return undefined;
  }
}

/** Whether a value is an AbortSignal, of any realm. */
export function isSignal(given: unknown): boolean {
  return typeof fieldOf(given, 'aborted') === 'boolean' && hasMethod(given, 'addEventListener');
}

/** Whether a value is an object with a method of this name. */
export function hasMethod(given: unknown, name: string | symbol): boolean {
  return typeof fieldOf(given, name) === 'function';
}

/** Refuses what is no object. `what` begins the message. Errors: INPUT_INVALID. */
export function requireObject(given: unknown, what: string): asserts given is object {
  if (typeof given === 'object' && given !== null) return;
  const got = given === null ? 'null' : typeof given;
  throw new TransformerError('INPUT_INVALID', `${what} is missing: wanted an object, got ${got}.`);
}

/**
 * The fields of an object that a caller gave. What holds no fields of options (a list, a Map, a Promise that
 * was not awaited), or fails to be read, is refused. `what` begins the message. Errors: INPUT_INVALID.
 */
export function fieldsOf(given: unknown, what: string): [string, unknown][] {
  requireObject(given, what);
  let kind = 'Object';
  let fields: [string, unknown][] = [];
  try {
    kind = Object.prototype.toString.call(given).slice('[object '.length, -1);
    fields = Object.entries(given);
  } catch (cause) {
    throw new TransformerError('INPUT_INVALID', `${what} fails to be read. Pass a plain object.`, {
      cause,
    });
  }
  if (kind === 'Object') return fields;
  throw new TransformerError('INPUT_INVALID', `${what} is of class ${kind}. Pass a plain object.`);
}

/** Refuses options of these names that are neither true nor false. Errors: OPTION_INVALID. */
export function checkFlags(options: object, ...names: readonly string[]): void {
  for (const name of names) {
    const value = fieldOf(options, name);
    if (value === undefined || typeof value === 'boolean') continue;
    throw new TransformerError(
      'OPTION_INVALID',
      `${name} is ${show(value)}; wanted true or false.`,
    );
  }
}

/** Refuses keys outside `known`, naming the nearest known one. `what` reads like "option of generate". */
export function refuseUnknown(given: unknown, known: readonly string[], what: string): void {
  for (const [key, value] of fieldsOf(given, `The object of each ${what}`)) {
    if (known.includes(key) || value === undefined) continue;
    const nearest = nearestName(key, known);
    const hint =
      nearest === undefined ? `Known: ${known.join(', ')}.` : `Did you mean "${nearest}"?`;
    const name = key.length > LONGEST_NAME ? `${key.slice(0, LONGEST_NAME)}…` : key;
    throw new TransformerError('OPTION_UNKNOWN', `Unknown ${what}: "${name}". ${hint}`);
  }
}

/** Levenshtein distance: insertions, deletions and substitutions from a to b. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(substitution, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}
