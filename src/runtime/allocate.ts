// Makes buffers, and finds out whether the device had room for them.

import { TransformerError } from './errors.ts';
import type { Gpu } from './gpu.ts';

/**
 * Runs work that makes buffers. `done` resolves once they are there and rejects with OUT_OF_MEMORY,
 * saying `what` needed them and what to do (`next`), when the device has no room.
 */
export function allocate<T>(
  gpu: Gpu,
  work: () => T,
  { what, next }: { readonly what: string; readonly next: string },
): { readonly result: T; readonly done: Promise<void> } {
  const { device } = gpu;
  // Pushed and popped in one go: error scopes belong to the device, which others use meanwhile.
  device.pushErrorScope('out-of-memory');
  let exhausted: Promise<GPUError | null> | undefined;
  let result: T;
  try {
    result = work();
  } finally {
    exhausted = device.popErrorScope();
  }
  const check = async (): Promise<void> => {
    const cause = await exhausted;
    if (cause === null) return;
    throw new TransformerError(
      'OUT_OF_MEMORY',
      `${what} more memory than the device has left; ${gpu.memory.bytes} bytes are held. ${next}`,
      { cause },
    );
  };
  return { result, done: check() };
}
