// Every error this library raises on purpose. One class; `code` tells them apart by program,
// the message tells a person what was got, what was wanted, and what to do next, and no secret.

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
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    const { cause } = options ?? {};
    super(redact(message), cause === undefined ? {} : { cause: redactCause(cause) });
    this.name = code === 'ABORTED' ? 'AbortError' : 'TransformerError';
    this.code = code;
  }
}

/** The error of a cancelled call: `name` is `AbortError`, `cause` is the signal's reason. */
export function abortError(signal: AbortSignal): TransformerError {
  return new TransformerError('ABORTED', 'The call was aborted by its signal.', {
    cause: signal.reason,
  });
}

/** Throws the abort error when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortError(signal);
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

/** Refuses what is no object. `what` begins the message. Errors: INPUT_INVALID. */
export function requireObject(given: unknown, what: string): asserts given is object {
  if (typeof given === 'object' && given !== null) return;
  const got = given === null ? 'null' : typeof given;
  throw new TransformerError('INPUT_INVALID', `${what} is missing: wanted an object, got ${got}.`);
}

/** Refuses keys outside `known`, naming the nearest known one. `what` reads like "option of generate". */
export function refuseUnknown(given: unknown, known: readonly string[], what: string): void {
  requireObject(given, `The object of each ${what}`);
  for (const [key, value] of Object.entries(given)) {
    if (known.includes(key) || value === undefined) continue;
    const nearest = nearestName(key, known);
    const hint =
      nearest === undefined ? `Known: ${known.join(', ')}.` : `Did you mean "${nearest}"?`;
    throw new TransformerError('OPTION_UNKNOWN', `Unknown ${what}: "${key}". ${hint}`);
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
