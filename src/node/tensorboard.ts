// Writes TensorBoard event files: scalars over the steps of a run. Node only.
//
// An event file is a TFRecord file (tensorflow/core/lib/io/record_writer.h): each record is its length
// (u64), a checksum of the length (u32), the bytes, and a checksum of the bytes (u32), little-endian.
// The bytes are an Event of protocol buffers (tensorflow/core/util/event.proto).

import { appendFile, mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { TransformerError } from '../runtime/errors.ts';
import { messageOf } from '../runtime/print.ts';

/** What one event says. Times are in seconds since 1970. */
export type Event = { readonly wallTime: number } & (
  | { readonly fileVersion: string }
  | { readonly step: number; readonly scalars: Readonly<Record<string, number>> }
  | { readonly step: number; readonly restart: true }
);

export class EventWriter {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Begins a new event file in a folder, which is made when it is missing. With `firstStep`, a run
   * that was taken up again says so, and TensorBoard forgets what it has from that step on.
   * @throws TransformerError FILE_UNWRITABLE
   */
  static async open(folder: string, firstStep?: number): Promise<EventWriter> {
    const wallTime = Date.now() / 1000;
    const name = `events.out.tfevents.${Math.floor(wallTime)}.${hostname()}.${process.pid}.0`;
    const writer = new EventWriter(join(folder, name));
    await writer.#write(() => mkdir(folder, { recursive: true }));
    await writer.#append({ wallTime, fileVersion: 'brain.Event:2' });
    if (firstStep !== undefined) await writer.#append({ wallTime, step: firstStep, restart: true });
    return writer;
  }

  /** Appends values of a step by their names. @throws TransformerError FILE_UNWRITABLE */
  async scalars(step: number, scalars: Readonly<Record<string, number>>): Promise<void> {
    await this.#append({ wallTime: Date.now() / 1000, step, scalars });
  }

  #append(event: Event): Promise<void> {
    return this.#write(() => appendFile(this.path, record(encodeEvent(event))));
  }

  async #write(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      const reason = messageOf(cause);
      throw new TransformerError(
        'FILE_UNWRITABLE',
        `${this.path} could not be written: ${reason}. Check the folder for event files.`,
        { cause },
      );
    }
  }
}

/** Frames bytes as one record. */
export function record(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const framed = new Uint8Array(bytes.length + 16);
  const view = new DataView(framed.buffer);
  view.setBigUint64(0, BigInt(bytes.length), true);
  view.setUint32(8, maskedChecksum(framed.subarray(0, 8)), true);
  framed.set(bytes, 12);
  view.setUint32(12 + bytes.length, maskedChecksum(bytes), true);
  return framed;
}

/** An event in the wire format of protocol buffers; the numbers are those of the fields. */
export function encodeEvent(event: Event): Uint8Array<ArrayBuffer> {
  const wallTime = double(1, event.wallTime);
  if ('fileVersion' in event) return concat(wallTime, text(3, event.fileVersion));
  const step = concat(wallTime, varint(2 << 3), varint(event.step));
  // SessionLog { status: START }
  if ('restart' in event) return concat(step, message(7, concat(varint(1 << 3), varint(1))));
  const values = Object.entries(event.scalars).map(([tag, value]) =>
    message(1, concat(text(1, tag), float(2, value))),
  );
  return concat(step, message(5, concat(...values)));
}

const [fixed64, delimited, fixed32] = [1, 2, 5];

function message(field: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat(varint((field << 3) | delimited), varint(bytes.length), bytes);
}

function text(field: number, value: string): Uint8Array<ArrayBuffer> {
  return message(field, new TextEncoder().encode(value));
}

function double(field: number, value: number): Uint8Array<ArrayBuffer> {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setFloat64(0, value, true);
  return concat(varint((field << 3) | fixed64), new Uint8Array(bytes.buffer));
}

function float(field: number, value: number): Uint8Array<ArrayBuffer> {
  const bytes = new DataView(new ArrayBuffer(4));
  bytes.setFloat32(0, value, true);
  return concat(varint((field << 3) | fixed32), new Uint8Array(bytes.buffer));
}

/** A whole number from 0, seven bits a byte, the lowest first. */
function varint(value: number): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Uint8Array.from([...bytes, rest]);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts));
}

/** CRC-32C (Castagnoli) of a byte alone, for each byte. */
const checksums = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1;
  return sum;
});

/** The checksum as records hold it: rotated and offset, so that a checksum of one differs from it. */
function maskedChecksum(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = (sum >>> 8) ^ (checksums[(sum ^ byte) & 0xff] ?? 0);
  sum = ~sum;
  return (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0;
}
