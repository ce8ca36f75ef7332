// Who owns buffers: every buffer is made by a scope and lives until that scope is disposed.

import { COPY_DST, COPY_SRC, STORAGE } from './constants.ts';
import type { Gpu } from './gpu.ts';
import { limitError, type Purpose } from './limits.ts';
import { Tensor, type TensorOptions } from './tensor.ts';

export class Scope {
  readonly gpu: Gpu;
  readonly #device: GPUDevice;
  readonly #buffers = new Set<GPUBuffer>();
  readonly #purpose: Purpose;

  /** `purpose`: what its larger buffers are for. */
  constructor(gpu: Gpu, purpose: Purpose = 'results') {
    this.gpu = gpu;
    this.#device = gpu.device;
    this.#purpose = purpose;
  }

  /** Whether the device this scope allocates on is still the one in use. */
  get isCurrent(): boolean {
    return this.#device === this.gpu.device;
  }

  /** A new buffer, counted in `gpu.memory`. Size is rounded up to 4 bytes; at least 16. */
  buffer(label: string, byteLength: number, usage: number): GPUBuffer {
    const size = Math.max(16, Math.ceil(byteLength / 4) * 4);
    const limit =
      (usage & STORAGE) === 0 ? this.#device.limits.maxBufferSize : this.gpu.bindingLimit;
    if (size > limit) throw limitError({ label, size, limit }, this.#purpose);
    const buffer = this.#device.createBuffer({ label, size, usage });
    this.#buffers.add(buffer);
    this.gpu.meter.add(size);
    return buffer;
  }

  /** A tensor with a buffer of its own, zero-filled. */
  tensor(options: Omit<TensorOptions, 'buffer' | 'recording'>): Tensor {
    const { byteLength } = new Tensor(options);
    const buffer = this.buffer(options.label, byteLength, STORAGE | COPY_SRC | COPY_DST);
    return new Tensor({ ...options, buffer });
  }

  /** Frees every buffer of this scope. Safe to call twice. */
  dispose(): void {
    for (const buffer of this.#buffers) {
      this.gpu.meter.remove(buffer.size);
      buffer.destroy();
    }
    this.#buffers.clear();
  }
}
