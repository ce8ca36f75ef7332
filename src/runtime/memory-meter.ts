// What is held on a device, counted by who makes buffers and frees them.

/** Bytes and number of GPU buffers held now, and the most bytes ever held. */
export interface GpuMemory {
  /** Bytes of these. */
  readonly bytes: number;
  /** Buffers that are held. */
  readonly buffers: number;
  /** The most bytes that were held at once. */
  readonly peakBytes: number;
}

/** Counts buffers. */
export class MemoryMeter {
  bytes = 0;
  buffers = 0;
  peakBytes = 0;

  add(bytes: number): void {
    this.bytes += bytes;
    this.buffers += 1;
    this.peakBytes = Math.max(this.peakBytes, this.bytes);
  }

  remove(bytes: number): void {
    this.bytes -= bytes;
    this.buffers -= 1;
  }
}
