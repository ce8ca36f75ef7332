// Brings results back through a ring of staging buffers: while one is being mapped, the next play
// writes another. The ring grows to the number of plays in flight and belongs to the plan's scope.

import { COPY_DST, MAP_MODE_READ, MAP_READ } from './constants.ts';
import type { Scope } from './scope.ts';

export interface Region {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/** Regions that one staging buffer takes, one after the other. */
interface Stage {
  readonly staging: GPUBuffer;
  readonly regions: readonly Region[];
}

/** Copies that were encoded and wait to be read. */
export interface Ticket {
  readonly stages: readonly Stage[];
  /** For each result, how many regions it is read from. */
  readonly counts: readonly number[];
}

export class Staging {
  readonly #scope: Scope;
  readonly #idle: GPUBuffer[] = [];

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /** Encodes copies of the regions of each result, into one staging buffer if one can hold them. */
  copy(encoder: GPUCommandEncoder, results: readonly (readonly Region[])[]): Ticket {
    const most = this.#scope.gpu.device.limits.maxBufferSize;
    const groups: Region[][] = [];
    let used = Infinity;
    for (const region of results.flat()) {
      if (used + region.size > most) groups.push([]);
      used = sizeOf(groups.at(-1) ?? []) + region.size;
      groups.at(-1)?.push(region);
    }
    const stages = groups.map((regions) => {
      const staging = this.#take(sizeOf(regions));
      let offset = 0;
      for (const { buffer, offset: from, size } of regions) {
        encoder.copyBufferToBuffer(buffer, from, staging, offset, size);
        offset += size;
      }
      return { staging, regions };
    });
    return { stages, counts: results.map((regions) => regions.length) };
  }

  /** Whether a buffer is there that takes all of it. */
  has(results: readonly (readonly Region[])[]): boolean {
    const bytes = sizeOf(results.flat());
    return bytes === 0 || this.#idle.some(({ size }) => size >= bytes);
  }

  /** Waits for the copies and returns each result's bytes. */
  async read({ stages, counts }: Ticket): Promise<ArrayBuffer[]> {
    await this.#scope.ready().catch((error: unknown) => {
      for (const { staging } of stages) this.#scope.free(staging);
      throw error;
    });
    this.#scope.assertUsable();
    const mapped = Promise.all(stages.map(({ staging }) => staging.mapAsync(MAP_MODE_READ)));
    await this.#scope.answer(mapped);
    this.#scope.assertUsable();
    const bytes = stages.flatMap(({ staging, regions }) => {
      const range = staging.getMappedRange();
      let offset = 0;
      const copies = regions.map(({ size }) => {
        offset += size;
        return range.slice(offset - size, offset);
      });
      staging.unmap();
      this.#idle.push(staging);
      return copies;
    });
    let first = 0;
    return counts.map((count) => {
      first += count;
      return joined(bytes.slice(first - count, first));
    });
  }

  #take(bytes: number): GPUBuffer {
    const index = this.#idle.findIndex((buffer) => buffer.size >= bytes);
    const [found] = index < 0 ? [] : this.#idle.splice(index, 1);
    return found ?? this.#scope.buffer('readback', bytes, MAP_READ | COPY_DST);
  }
}

function sizeOf(regions: readonly Region[]): number {
  return regions.reduce((sum, { size }) => sum + size, 0);
}

/** One after the other; a single one as it is. */
function joined(buffers: readonly ArrayBuffer[]): ArrayBuffer {
  const [only] = buffers;
  if (buffers.length === 1 && only !== undefined) return only;
  const sizes = buffers.map(({ byteLength }) => byteLength);
  const whole = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
  let offset = 0;
  for (const buffer of buffers) {
    whole.set(new Uint8Array(buffer), offset);
    offset += buffer.byteLength;
  }
  return whole.buffer;
}
