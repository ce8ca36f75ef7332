// Brings results back through a ring of staging buffers: while one is being mapped, the next play
// writes another. The ring grows to the number of plays in flight and belongs to the plan's scope.

import { memoryError } from './allocate.ts';
import { COPY_DST, MAP_MODE_READ, MAP_READ } from './constants.ts';
import { TransformerError } from './errors.ts';
import { assertMade, type Scope } from './scope.ts';

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

  /**
   * Waits for the copies and returns each result's bytes.
   * @throws TransformerError OUT_OF_MEMORY, DEVICE_LOST, DISPOSED; the buffers are free then
   */
  async read({ stages, counts }: Ticket): Promise<ArrayBuffer[]> {
    const bytes: ArrayBuffer[] = [];
    try {
      await this.#scope.ready();
      this.#scope.assertUsable();
      await this.#map(stages);
      this.#scope.assertUsable();
      for (const stage of stages) bytes.push(...this.#takeOut(stage));
    } catch (error) {
      for (const { staging } of stages) this.#scope.free(staging);
      throw error;
    }
    for (const { staging } of stages) {
      staging.unmap();
      this.#idle.push(staging);
    }
    let first = 0;
    return counts.map((count) => {
      first += count;
      return joined(bytes.slice(first - count, first));
    });
  }

  /** The bytes of the regions of each result, as the work submitted so far leaves them. */
  async fetch(results: readonly (readonly Region[])[]): Promise<ArrayBuffer[]> {
    const { device } = this.#scope.gpu;
    device.pushErrorScope('validation');
    let invalid: Promise<GPUError | null>;
    let ticket: Ticket;
    try {
      const encoder = device.createCommandEncoder({ label: 'read back' });
      ticket = this.copy(encoder, results);
      device.queue.submit([encoder.finish()]);
    } finally {
      invalid = device.popErrorScope();
      invalid.catch(() => {}); // told where it is waited for
    }
    const bytes = await this.read(ticket);
    const error = await this.#scope.answer(invalid);
    if (error === null) return bytes;
    // What there was no room for when it was made cannot be copied.
    await assertMade(results.flat().map(({ buffer }) => buffer));
    throw validationError(error);
  }

  async #map(stages: readonly Stage[]): Promise<void> {
    const mapped = Promise.all(stages.map(({ staging }) => staging.mapAsync(MAP_MODE_READ)));
    try {
      await this.#scope.answer(mapped);
    } catch (error) {
      throw error instanceof TransformerError ? error : this.#noRoom(error);
    }
  }

  #takeOut({ staging, regions }: Stage): ArrayBuffer[] {
    try {
      const range = staging.getMappedRange();
      let offset = 0;
      return regions.map(({ size }) => {
        offset += size;
        return range.slice(offset - size, offset);
      });
    } catch (error) {
      throw this.#noRoom(error);
    }
  }

  /** The buffers are made and are mapped by nobody else: what fails is the memory on this side. */
  #noRoom(cause: unknown): TransformerError {
    return memoryError(this.#scope.gpu, cause, {
      what: 'Bringing results back needs',
      next: 'Ask for less at once, such as a smaller batch or fewer hidden states.',
    });
  }

  #take(bytes: number): GPUBuffer {
    const index = this.#idle.findIndex((buffer) => buffer.size >= bytes);
    const [found] = index < 0 ? [] : this.#idle.splice(index, 1);
    return found ?? this.#scope.buffer('readback', bytes, MAP_READ | COPY_DST);
  }
}

/** The error of a command that WebGPU refused. */
export function validationError(error: GPUError): TransformerError {
  return new TransformerError(
    'VALIDATION_FAILED',
    `WebGPU refused a command. This is a defect of the library; please report it.\n${error.message}`,
    { cause: error },
  );
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
