// A device that has no room for one buffer, at a moment of the test's choice.

import type { Gpu } from 'webgpu-transformer';

interface ErrorScope {
  readonly filter: GPUErrorFilter;
  error: GPUError | null;
}

/** As a driver says it. */
const noMemory: GPUError = { message: 'out of memory, by order of the test' };

/**
 * Takes the place of a device's `createBuffer` and error scopes: the buffer that `refuse` counts to is an
 * invalid one, as the standard has it, and the innermost scope for that is told. What is done with such a
 * buffer the device itself judges.
 */
export class Exhaustion {
  /** Buffers to make until one is refused. */
  #left = Infinity;
  /** Errors that no scope was there for. */
  readonly uncaptured: string[] = [];
  /** Buffers refused so far. */
  count = 0;
  readonly #scopes: ErrorScope[] = [];

  constructor(gpu: Gpu) {
    const { device } = gpu;
    const create = device.createBuffer.bind(device);
    const push = device.pushErrorScope.bind(device);
    const pop = device.popErrorScope.bind(device);
    device.createBuffer = (descriptor) => {
      if (this.#left-- > 0) return create(descriptor);
      this.#left = Infinity;
      this.count++;
      const scope = this.#scopes.findLast(({ filter }) => filter === 'out-of-memory');
      if (scope === undefined) this.uncaptured.push(`no scope for ${descriptor.label}`);
      else scope.error = noMemory;
      push('validation');
      const buffer = create({ ...descriptor, usage: 0 });
      void pop();
      return buffer;
    };
    device.pushErrorScope = (filter) => {
      this.#scopes.push({ filter, error: null });
      return push(filter);
    };
    device.popErrorScope = async () => {
      const scope = this.#scopes.pop();
      const error = await pop();
      return scope?.error ?? error;
    };
    device.addEventListener('uncapturederror', ({ error }) => {
      this.uncaptured.push(error.message);
    });
  }

  /** Has the device refuse a buffer once it has made so many; none when it is Infinity. */
  refuse(after: number): void {
    this.#left = after;
  }
}
