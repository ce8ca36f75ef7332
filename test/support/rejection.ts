// What a caller sees when something is refused, by the public names alone.

import { expect } from 'vitest';
import { type ErrorCode, TransformerError } from 'webgpu-transformer';

/**
 * Expects the work to fail with a TransformerError of this code, whose message is for users: it has
 * all these parts, ends as a sentence, and says nothing of the library's inside.
 */
export async function expectRejection(
  work: Promise<unknown> | (() => unknown),
  code: ErrorCode,
  ...parts: readonly string[]
): Promise<void> {
  let error: unknown = 'nothing: the call succeeded';
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (reason) {
    error = reason;
  }
  expect(error).toBeInstanceOf(TransformerError);
  const { code: got, message, name } = error as TransformerError;
  expect(`${got}: ${message}`).toContain(`${code}: `);
  expect(name).toBe(code === 'ABORTED' ? 'AbortError' : 'TransformerError');
  for (const part of parts) expect(message).toContain(part);
  expect(message).toMatch(/[.?!]$/);
  expect(message).not.toMatch(/undefined|\[object|NaN/);
}
