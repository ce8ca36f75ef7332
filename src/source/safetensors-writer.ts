// Writes safetensors: 8 bytes of header length, the header as JSON, then the tensors one after the
// other. The data begins at a multiple of 8, as the format's own writers have it.

import { elements } from '../runtime/tensor.ts';
import { float32ToFloat16 } from './float16.ts';

export interface StoredValues {
  readonly shape: readonly number[];
  /** f32 values are stored as F32 or, when asked for, as F16; u32 words as U32. */
  readonly data: Float32Array | Uint32Array;
}

export interface SafetensorsOptions {
  readonly dtype?: 'f32' | 'f16';
  readonly metadata?: Readonly<Record<string, string>>;
}

/** The bytes of a safetensors file with these tensors, in the order of their names. */
export function safetensors(
  tensors: ReadonlyMap<string, StoredValues>,
  { dtype = 'f32', metadata = { format: 'pt' } }: SafetensorsOptions = {},
): Uint8Array<ArrayBuffer> {
  const names = [...tensors.keys()].toSorted();
  const header: Record<string, unknown> = { __metadata__: metadata };
  const blocks: Uint8Array[] = [];
  let end = 0;
  for (const name of names) {
    const values = tensors.get(name);
    if (values === undefined) continue;
    const { shape, data } = values;
    if (elements(shape) !== data.length) {
      throw new RangeError(`${name} has ${data.length} values for the shape (${shape.join(', ')})`);
    }
    const isHalf = dtype === 'f16' && data instanceof Float32Array;
    const stored = isHalf ? float32ToFloat16(data) : data;
    const bytes = new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
    const format = isHalf ? 'F16' : data instanceof Float32Array ? 'F32' : 'U32';
    header[name] = { dtype: format, shape, data_offsets: [end, end + bytes.length] };
    blocks.push(bytes);
    end += bytes.length;
  }
  const beginning = safetensorsHeader(header);
  const file = new Uint8Array(beginning.length + end);
  file.set(beginning);
  let at = beginning.length;
  for (const block of blocks) {
    file.set(block, at);
    at += block.length;
  }
  return file;
}

/**
 * What stands before the tensors: the header with its length, filled with spaces up to a multiple of 8 bytes, or up to
 * `bytes` where it is written before all of it is known.
 */
export function safetensorsHeader(
  header: Readonly<Record<string, unknown>>,
  bytes: number = 0,
): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.max(8 + Math.ceil(json.length / 8) * 8, bytes);
  const written = new Uint8Array(length).fill(0x20, 8);
  new DataView(written.buffer).setBigUint64(0, BigInt(length - 8), true);
  written.set(json, 8);
  return written;
}
