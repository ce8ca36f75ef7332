// Who owns buffers: every buffer is made by a scope and lives until that scope, or the one it belongs to,
// is disposed. What arrives later, a list that was being recorded say, gets none any more.

import { makeBuffer, memoryError, type Need } from './allocate.ts';
import { COPY_DST, COPY_SRC, STORAGE } from './constants.ts';
import { TransformerError } from './errors.ts';
import type { Gpu } from './gpu.ts';
import { limitError, type Purpose } from './limits.ts';
import { Tensor, type TensorOptions } from './tensor.ts';
import { awaited } from './waiting.ts';

const owners = new WeakMap<GPUBuffer, Scope>();

/** Throws DISPOSED or DEVICE_LOST for a buffer whose scope has ended: it cannot be copied or written. */
export function assertAlive(buffer: GPUBuffer): void {
  owners.get(buffer)?.assertUsable();
}

/** Throws OUT_OF_MEMORY where the device had no room for one of these buffers or others of their scopes. */
export async function assertMade(buffers: Iterable<GPUBuffer>): Promise<void> {
  const scopes = new Set(Array.from(buffers, (buffer) => owners.get(buffer)));
  for (const scope of scopes) await scope?.ready();
}

export class Scope {
  readonly gpu: Gpu;
  readonly #device: GPUDevice;
  readonly #buffers = new Set<GPUBuffer>();
  /** Buffers of which it is not known yet whether the device had room, and those it had none for. */
  readonly #pending = new Map<GPUBuffer, Promise<void>>();
  readonly #refused = new Map<GPUBuffer, GPUError>();
  readonly #purpose: Purpose;
  readonly #owner: Scope | undefined;
  readonly #owned = new Set<Scope>();
  #disposed = false;

  /** A scope of its own, or one that ends with its owner. `purpose`: what larger buffers are for. */
  constructor(owner: Gpu | Scope, purpose: Purpose = 'results') {
    this.#purpose = purpose;
    if (!(owner instanceof Scope)) {
      this.gpu = owner;
      this.#device = owner.device;
      return;
    }
    this.gpu = owner.gpu;
    this.#device = owner.#device;
    this.#owner = owner;
    this.#disposed = owner.#disposed;
    if (!this.#disposed) owner.#owned.add(this);
  }

  get isDisposed(): boolean {
    return this.#disposed;
  }

  /** Throws DISPOSED after the end, DEVICE_LOST when the device is no longer the one in use. */
  assertUsable(): void {
    if (this.#disposed) {
      throw new TransformerError('DISPOSED', 'This model was disposed. Load it again to use it.');
    }
    this.gpu.assertUsable();
    if (this.isCurrent) return;
    throw new TransformerError(
      'DEVICE_LOST',
      'This model was loaded on a device that is lost. Load it again on the restored one.',
    );
  }

  /** What the device answers; where it cannot because of an end or a loss, the error says so. */
  async answer<T>(promise: Promise<T>): Promise<T> {
    try {
      return await awaited(promise);
    } catch (error) {
      // Answers can fail an instant before the device reports that it is lost.
      if (!this.#disposed) await Promise.race([this.#device.lost, delay(100)]);
      this.assertUsable();
      throw error;
    }
  }

  /** Whether the device this scope allocates on is still the one in use. */
  get isCurrent(): boolean {
    return this.#device === this.gpu.device;
  }

  /**
   * A new buffer, counted in `gpu.memory`. Size is rounded up to 4 bytes; at least 16. It must not be used
   * before `ready`, unless errors of validation are kept.
   * @throws TransformerError LIMIT_EXCEEDED; DISPOSED after the end
   */
  buffer(label: string, byteLength: number, usage: number): GPUBuffer {
    this.assertUsable();
    const size = Math.max(16, Math.ceil(byteLength / 4) * 4);
    const limit =
      (usage & STORAGE) === 0 ? this.#device.limits.maxBufferSize : this.gpu.bindingLimit;
    if (size > limit) throw limitError({ label, size, limit }, this.#purpose);
    const { buffer, answer } = makeBuffer(this.#device, { label, size, usage });
    this.#pending.set(buffer, this.#heed(buffer, answer));
    this.#buffers.add(buffer);
    owners.set(buffer, this);
    this.gpu.meter.add(size);
    return buffer;
  }

  /**
   * Resolves once the device has made all buffers of this scope and of its owners.
   * @throws TransformerError OUT_OF_MEMORY where it had no room; what then cannot be used is to be disposed of
   */
  async ready(need?: Need): Promise<void> {
    if (this.#pending.size > 0) await this.answer(Promise.all(this.#pending.values()));
    const [refused] = this.#refused.values();
    if (refused !== undefined) throw memoryError(this.gpu, refused, need);
    await this.#owner?.ready(need);
  }

  /** Frees one buffer. */
  free(buffer: GPUBuffer): void {
    this.#pending.delete(buffer);
    this.#refused.delete(buffer);
    if (!this.#buffers.delete(buffer)) return;
    this.gpu.meter.remove(buffer.size);
    buffer.destroy();
  }

  async #heed(buffer: GPUBuffer, answer: Promise<GPUError | null>): Promise<void> {
    // A device that is lost does not answer: whoever uses the buffer is told of the loss.
    const refused = await answer.catch(() => null);
    if (refused !== null && this.#pending.has(buffer)) this.#refused.set(buffer, refused);
    this.#pending.delete(buffer);
  }

  /** A tensor with a buffer of its own, zero-filled. */
  tensor(options: Omit<TensorOptions, 'buffer' | 'recording'>): Tensor {
    const { byteLength } = new Tensor(options);
    const buffer = this.buffer(options.label, byteLength, STORAGE | COPY_SRC | COPY_DST);
    return new Tensor({ ...options, buffer });
  }

  /** Frees every buffer of this scope and of those it owns, for good. Safe to call twice. */
  dispose(): void {
    this.#disposed = true;
    if (this.#owner !== undefined) this.#owner.#owned.delete(this);
    for (const scope of this.#owned) scope.dispose();
    for (const buffer of this.#buffers) this.free(buffer);
  }
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
