// Brings results back through a ring of staging buffers: while one is being mapped, the next play
// writes another. The ring grows to the number of plays in flight and belongs to the plan's scope.

import { COPY_DST, MAP_MODE_READ, MAP_READ } from './constants.ts';
import { TransformerError } from './errors.ts';
import type { Scope } from './scope.ts';

export interface Region {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/** A copy that was encoded and waits to be read. */
export interface Ticket {
  readonly staging: GPUBuffer | undefined;
  readonly regions: readonly Region[];
}

export class Readback {
  readonly #scope: Scope;
  readonly #idle: GPUBuffer[] = [];

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /** Encodes copies of all regions into one staging buffer. */
  copy(encoder: GPUCommandEncoder, regions: readonly Region[]): Ticket {
    const total = regions.reduce((sum, region) => sum + region.size, 0);
    if (total === 0) return { staging: undefined, regions };
    const staging = this.#take(total);
    let offset = 0;
    for (const { buffer, offset: from, size } of regions) {
      encoder.copyBufferToBuffer(buffer, from, staging, offset, size);
      offset += size;
    }
    return { staging, regions };
  }

  /** Waits for the copy and returns each region's bytes. */
  async read({ staging, regions }: Ticket): Promise<ArrayBuffer[]> {
    if (staging === undefined) return [];
    try {
      await staging.mapAsync(MAP_MODE_READ);
    } catch (error) {
      throw new TransformerError('DISPOSED', 'The model was disposed while it was computing.', {
        cause: error,
      });
    }
    const mapped = staging.getMappedRange();
    const results: ArrayBuffer[] = [];
    let offset = 0;
    for (const { size } of regions) {
      results.push(mapped.slice(offset, offset + size));
      offset += size;
    }
    staging.unmap();
    this.#idle.push(staging);
    return results;
  }

  #take(bytes: number): GPUBuffer {
    const index = this.#idle.findIndex((buffer) => buffer.size >= bytes);
    const [found] = index < 0 ? [] : this.#idle.splice(index, 1);
    return found ?? this.#scope.buffer('readback', bytes, MAP_READ | COPY_DST);
  }
}
