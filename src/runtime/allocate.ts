// Makes buffers, and finds out whether the device had room for them.

import { TransformerError } from './errors.ts';
import type { Gpu } from './gpu.ts';

/** Begins and ends the message of a device without room. */
export interface Need {
  readonly what: string;
  readonly next: string;
}

const usual: Need = {
  what: 'This call needs',
  next: 'Use a smaller batch or shorter sequences, or dispose of other models.',
};

/** What a device answers to the making of a buffer: null where there was room. */
export interface Made {
  readonly buffer: GPUBuffer;
  readonly answer: Promise<GPUError | null>;
}

/** Makes a buffer. Where there is no room it cannot be used, which only the answer tells. */
export function makeBuffer(device: GPUDevice, descriptor: GPUBufferDescriptor): Made {
  // Pushed and popped in one go: error scopes belong to the device, which others use meanwhile.
  device.pushErrorScope('out-of-memory');
  let buffer: GPUBuffer;
  let answer: Promise<GPUError | null> | undefined;
  try {
    buffer = device.createBuffer(descriptor);
  } finally {
    answer = device.popErrorScope();
  }
  return { buffer, answer };
}

export function memoryError(
  { memory }: Gpu,
  cause: unknown,
  { what, next }: Need = usual,
): TransformerError {
  return new TransformerError(
    'OUT_OF_MEMORY',
    `${what} more memory than the device has left; ${memory.bytes} bytes are held. ${next}`,
    { cause },
  );
}
