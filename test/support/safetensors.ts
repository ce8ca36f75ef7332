// Safetensors files built in memory, honest or lying, and a source over them that keeps count.
import { expect } from 'vitest';
import type { FileRange, Source } from '../../src/source/source.ts';
import { type ErrorCode, TransformerError } from '../../src/runtime/errors.ts';

export interface StoredTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** A file of any header, true or not: a string or bytes as they are, anything else as JSON. */
export function rawFile(
  header: unknown,
  data: Uint8Array = new Uint8Array(0),
  headerLength?: bigint,
): Uint8Array<ArrayBuffer> {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  const json = header instanceof Uint8Array ? header : new TextEncoder().encode(text);
  const file = new Uint8Array(8 + json.length + data.length);
  new DataView(file.buffer).setBigUint64(0, headerLength ?? BigInt(json.length), true);
  file.set(json, 8);
  file.set(data, 8 + json.length);
  return file;
}

/** An honest file. `padding` spaces follow its header, as writers add them to align the data. */
export function safetensorsFile(
  tensors: Readonly<Record<string, StoredTensor>>,
  padding = 0,
): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  const data: number[] = [];
  for (const [name, { dtype, shape, bytes }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [data.length, data.length + bytes.length] };
    data.push(...bytes);
  }
  return rawFile(JSON.stringify(header) + ' '.repeat(padding), new Uint8Array(data));
}

/** A tensor of bytes; the values tell tensors and positions apart. */
export function counting(length: number, first: number): StoredTensor {
  const bytes = Uint8Array.from({ length }, (_, i) => (first + 7 * i) % 251);
  return { dtype: 'U8', shape: [length], bytes };
}

/** Files in memory; every read is kept. */
export class MemorySource implements Source {
  readonly name = 'memory';
  readonly files: Map<string, Uint8Array>;
  readonly reads: { file: string; start: number; end: number }[] = [];
  /** Reads not yet answered, now and at most. */
  pending = 0;
  peakPending = 0;
  size?: (file: string) => Promise<number | undefined>;

  constructor(
    files: Readonly<Record<string, Uint8Array>>,
    { sized = true }: { readonly sized?: boolean } = {},
  ) {
    this.files = new Map(Object.entries(files));
    if (sized) this.size = (file) => Promise.resolve(this.files.get(file)?.length);
  }

  async read(file: string, range?: FileRange): Promise<Uint8Array | undefined> {
    const bytes = this.files.get(file);
    if (bytes === undefined) return undefined;
    const { start, end } = range ?? { start: 0, end: bytes.length };
    this.reads.push({ file, start, end });
    this.pending++;
    this.peakPending = Math.max(this.peakPending, this.pending);
    await Promise.resolve();
    this.pending--;
    return bytes.slice(start, end);
  }

  /** Bytes asked for so far. */
  get bytesRead(): number {
    return this.reads.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  /** Bytes asked for more than once. */
  get bytesReadAgain(): number {
    const seen = new Set<string>();
    for (const { file, start, end } of this.reads) {
      for (let at = start; at < end; at++) seen.add(`${file} ${at}`);
    }
    return this.bytesRead - seen.size;
  }
}

/** Expects a TransformerError with this code and a message with all these parts; returns it. */
export async function expectError(
  work: Promise<unknown> | (() => unknown),
  code: ErrorCode,
  ...parts: string[]
): Promise<TransformerError> {
  const error: unknown = await Promise.resolve()
    .then(() => (typeof work === 'function' ? work() : work))
    .then(
      (value) => `resolved to ${String(value)}`,
      (reason: unknown) => reason,
    );
  expect(error).toBeInstanceOf(TransformerError);
  const { code: got, message } = error as TransformerError;
  expect(`${got}: ${message}`).toContain(`${code}: `);
  for (const part of parts) expect(message).toContain(part);
  return error as TransformerError;
}
