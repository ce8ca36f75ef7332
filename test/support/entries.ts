// Safetensors files taken apart and put together again, for tests that change what they hold.

import { type StoredTensor, safetensorsFile } from './safetensors.ts';

/** The tensors of a file as they are stored. Trusts the file. */
export function readTensorsOf(file: Uint8Array<ArrayBuffer>): Record<string, StoredTensor> {
  const start = 8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, start))) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors: Record<string, StoredTensor> = {};
  for (const [name, { dtype, shape, data_offsets: at }] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    tensors[name] = { dtype, shape, bytes: file.subarray(start + at[0], start + at[1]) };
  }
  return tensors;
}

/** A file with some tensors changed, added, or left out where they are undefined. */
export function withTensors(
  file: Uint8Array<ArrayBuffer>,
  changes: Readonly<Record<string, StoredTensor | undefined>>,
): Uint8Array<ArrayBuffer> {
  const all = Object.entries({ ...readTensorsOf(file), ...changes });
  return safetensorsFile(
    Object.fromEntries(all.filter((entry): entry is [string, StoredTensor] => !!entry[1])),
  );
}
