// Reads tensors that have buffers of their own, outside of any plan.

import type { Gpu } from './gpu.ts';
import { assertAlive, Scope } from './scope.ts';
import { Staging } from './staging.ts';
import type { Tensor } from './tensor.ts';

/**
 * The bytes of tensors, as the work submitted so far leaves them. `owner`: what they end with.
 * @throws TransformerError OUT_OF_MEMORY, DEVICE_LOST, DISPOSED
 */
export async function readBack(
  owner: Gpu | Scope,
  tensors: readonly Tensor[],
): Promise<ArrayBuffer[]> {
  const scope = new Scope(owner);
  try {
    scope.assertUsable();
    const staging = new Staging(scope);
    const results = tensors.map((tensor) =>
      (tensor.parts ?? [tensor]).map(({ buffer, offset, byteLength, label }) => {
        if (buffer === undefined) throw new RangeError(`${label} has no buffer to read`);
        assertAlive(buffer);
        return { buffer, offset, size: byteLength };
      }),
    );
    const read = await Promise.all(results.map((regions) => staging.fetch([regions])));
    return read.flat();
  } finally {
    scope.dispose();
  }
}

/** What reads bring; where one fails, nothing is under way any more when the error is told. */
export async function allOf<T extends readonly unknown[] | []>(
  reads: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(reads);
  return Promise.all(reads);
}
