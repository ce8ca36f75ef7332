// Files in GGUF, made here: blocks of random codes with scales that make sense, metadata, tensors.

import { float32ToFloat16 } from '../../src/source/float16.ts';
import { blockTypes } from '../../src/source/gguf/types.ts';
import type { Random } from './random.ts';

/** Where the halves of each type's blocks are. */
const halves: Readonly<Record<string, readonly number[]>> = {
  q4_0: [0],
  q4_1: [0, 2],
  q5_0: [0],
  q5_1: [0, 2],
  q8_0: [0],
  q2_k: [80, 82],
  q3_k: [108],
  q4_k: [0, 2],
  q5_k: [0, 2],
  q6_k: [208],
};

/** Bytes of blocks, in whole words; every other scale is a subnormal half where those are usual. */
export function ggufBlocks(type: string, count: number, random: Random): Uint8Array<ArrayBuffer> {
  const { bytes } = Object.values(blockTypes).find(({ name }) => name === type)!;
  const result = new Uint8Array(Math.ceil((count * bytes) / 4) * 4);
  for (let i = 0; i < result.length; i++) result[i] = random.integer(0, 255);
  const isSuper = type.endsWith('_k');
  for (let block = 0; block < count; block++) {
    for (const place of halves[type] ?? []) {
      const size = isSuper && block % 2 === 0 ? 2e-5 : 0.05;
      const [half = 0] = float32ToFloat16(Float32Array.of(size * random.values(1)[0]!));
      new DataView(result.buffer).setUint16(block * bytes + place, half, true);
    }
  }
  return result;
}

type MetadataValue = string | number | boolean | readonly string[] | readonly number[];

export interface GgufContent {
  /** Whole numbers are written in 32 bits, others as floats. */
  readonly metadata: Readonly<Record<string, MetadataValue>>;
  /** Sizes with the rows first. */
  readonly tensors: Readonly<
    Record<
      string,
      { readonly type: number; readonly shape: readonly number[]; readonly bytes: Uint8Array }
    >
  >;
}

/** A file of version 3. */
export function ggufFile({ metadata, tensors }: GgufContent): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  const put = (size: number, write: (view: DataView) => void): void => {
    const own = new Uint8Array(size);
    write(new DataView(own.buffer));
    bytes.push(...own);
  };
  const u32 = (value: number): void => put(4, (view) => view.setUint32(0, value, true));
  const u64 = (value: number): void => put(8, (view) => view.setBigUint64(0, BigInt(value), true));
  const text = (value: string): void => {
    const own = new TextEncoder().encode(value);
    u64(own.length);
    bytes.push(...own);
  };
  const typeOf = (value: MetadataValue): number => {
    if (typeof value === 'string') return 8;
    if (typeof value === 'boolean') return 7;
    if (typeof value === 'number') return Number.isInteger(value) ? 4 : 6;
    return 9;
  };
  const put1 = (value: MetadataValue): void => {
    if (typeof value === 'string') text(value);
    else if (typeof value === 'boolean') bytes.push(value ? 1 : 0);
    else if (typeof value !== 'number') {
      u32(typeOf(value[0] ?? 0));
      u64(value.length);
      for (const item of value) put1(item);
    } else if (Number.isInteger(value)) u32(value);
    else put(4, (view) => view.setFloat32(0, value, true));
  };
  bytes.push(...new TextEncoder().encode('GGUF'));
  u32(3);
  u64(Object.keys(tensors).length);
  u64(Object.keys(metadata).length);
  for (const [key, value] of Object.entries(metadata)) {
    text(key);
    u32(typeOf(value));
    put1(value);
  }
  const align = (size: number): number => Math.ceil(size / 32) * 32;
  let offset = 0;
  for (const [name, { type, shape, bytes: own }] of Object.entries(tensors)) {
    text(name);
    u32(shape.length);
    for (const side of shape.toReversed()) u64(side);
    u32(type);
    u64(offset);
    offset += align(own.length);
  }
  const result = new Uint8Array(align(bytes.length) + offset);
  result.set(bytes);
  let at = align(bytes.length);
  for (const { bytes: own } of Object.values(tensors)) {
    result.set(own, at);
    at += align(own.length);
  }
  return result;
}
