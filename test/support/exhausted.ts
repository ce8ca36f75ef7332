// A device that has no room for one buffer, or for bringing one back, at a moment of the test's choice.

import type { Gpu } from 'webgpu-transformer';
import { MAP_READ } from '../../src/runtime/constants.ts';

interface ErrorScope {
  readonly filter: GPUErrorFilter;
  error: GPUError | null;
}

/** How reading back fails: no room on the device's side, none on this side, or the device is lost. */
export type ReadFault = 'map' | 'range' | 'loss';

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
  /** Buffers to map until it goes wrong, and how: see `spoil`. */
  #readable = Infinity;
  #fault: ReadFault = 'map';
  readonly #scopes: ErrorScope[] = [];

  constructor(gpu: Gpu) {
    const { device } = gpu;
    const create = device.createBuffer.bind(device);
    const push = device.pushErrorScope.bind(device);
    const pop = device.popErrorScope.bind(device);
    device.createBuffer = (descriptor) => {
      if (this.#left-- > 0) return this.#mappable(create(descriptor), device);
      this.#left = Infinity;
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

  /** Has the mapping of a buffer go wrong once so many were mapped; never when it is Infinity. */
  spoil(after: number, fault: ReadFault = 'map'): void {
    this.#readable = after;
    this.#fault = fault;
  }

  #mappable(buffer: GPUBuffer, device: GPUDevice): GPUBuffer {
    if ((buffer.usage & MAP_READ) === 0) return buffer;
    const map = buffer.mapAsync.bind(buffer);
    const range = buffer.getMappedRange.bind(buffer);
    let spoilt = false;
    buffer.mapAsync = async (...args) => {
      spoilt = this.#readable-- <= 0;
      if (!spoilt) return map(...args);
      this.#readable = Infinity;
      if (this.#fault === 'map') throw new DOMException(noMemory.message, 'OperationError');
      if (this.#fault === 'loss') device.destroy();
      return map(...args);
    };
    buffer.getMappedRange = (...args) => {
      if (spoilt) throw new RangeError('Array buffer allocation failed');
      return range(...args);
    };
    return buffer;
  }

  /** Has the device refuse a buffer once it has made so many; none when it is Infinity. */
  refuse(after: number): void {
    this.#left = after;
  }
}
