// The bytes of one read as they arrive, over several answers when a connection breaks.

import type { FileRange } from './source.ts';
import type { Watch } from './watch.ts';

/** Bytes of a file whose size nobody told, at most: a body may have no end. */
const MOST_UNTOLD = 2 ** 31;

/** Bytes that are set aside because a server says that they will come. */
const MOST_AHEAD = 2 ** 26;

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
    const length = range === undefined ? 0 : range.end - range.start;
    this.#bytes = new Uint8Array(Math.min(length, MOST_AHEAD));
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

  /** Whether more arrived than there may be. */
  get isTooLong(): boolean {
    const { range, wanted = MOST_UNTOLD } = this;
    return range === undefined ? this.received > wanted : this.position > range.end;
  }

  /** The server starts again from byte 0. */
  restart(wanted: number | undefined): void {
    this.received = 0;
    this.wanted = wanted;
    const ahead = Math.min(wanted ?? 0, MOST_AHEAD);
    if (ahead > this.#bytes.length) this.#bytes = new Uint8Array(ahead);
  }

  /** Adds an answer's body as far as it comes, and no more than one chunk beyond what there may be. */
  async take({ body }: Response, watch: Watch): Promise<void> {
    if (body === null) return watch.whole();
    const reader = body.getReader();
    try {
      while (!this.isTooLong) {
        const { value } = await watch.until(reader.read());
        if (value === undefined) return watch.whole();
        watch.arrived(value.length);
        this.#add(value);
      }
    } finally {
      reader.cancel().catch(() => undefined);
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
