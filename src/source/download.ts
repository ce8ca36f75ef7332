// The bytes of one read as they arrive, over several answers when a connection breaks.

import type { FileRange } from './source.ts';

export class Download {
  readonly range: FileRange | undefined;
  /** Bytes received. */
  received = 0;
  /** Bytes there will be, as far as an answer told. */
  wanted: number | undefined;
  #bytes: Uint8Array<ArrayBuffer>;

  /** @param range the bytes of the file to read, or undefined for all of it */
  constructor(range: FileRange | undefined) {
    this.range = range;
    this.#bytes = new Uint8Array(range === undefined ? 0 : range.end - range.start);
  }

  /** Where the next byte stands in the file. */
  get position(): number {
    return (this.range?.start ?? 0) + this.received;
  }

  /** What to ask for next; undefined for the whole file. */
  get rangeHeader(): string | undefined {
    const { range, position } = this;
    if (range === undefined && position === 0) return undefined;
    return `bytes=${position}-${range === undefined ? '' : range.end - 1}`;
  }

  /** What arrived. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.received);
  }

  /** The server starts again from byte 0. */
  restart(wanted: number | undefined): void {
    this.received = 0;
    this.wanted = wanted;
    if (wanted !== undefined && wanted > this.#bytes.length) this.#bytes = new Uint8Array(wanted);
  }

  /** Adds an answer's body as far as it comes, and no more than one chunk beyond the range. */
  async take({ body }: Response, alive: () => void): Promise<void> {
    const reader = body?.getReader();
    while (this.range === undefined || this.position <= this.range.end) {
      const { value } = (await reader?.read()) ?? {};
      if (value === undefined) return;
      alive();
      this.#add(value);
    }
  }

  #add(chunk: Uint8Array): void {
    const end = this.received + chunk.length;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#bytes.length));
      larger.set(this.bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(chunk, this.received);
    this.received = end;
  }
}
