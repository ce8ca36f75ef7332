// Low-rank updates of experts in PEFT's files, where the ranks of all experts stand beside each other: column
// rank · experts + expert of B, for which memory has rows of each expert.

import type { StoredValues } from '../../source/safetensors-writer.ts';
import type { SizedLayer } from './lora-matrices.ts';
import { matrixName } from './matrix-names.ts';

/** The shape of B in the file. */
export function storedShape({ out, rank, experts }: SizedLayer): [rows: number, columns: number] {
  return [out, rank * (experts ?? 1)];
}

/** The matrices of files, B of experts by experts. */
export function byExperts(
  values: ReadonlyMap<string, StoredValues>,
  layers: readonly SizedLayer[],
): ReadonlyMap<string, StoredValues> {
  return moved(values, layers, true);
}

/** The same as files have them. */
export function byRanks(
  values: ReadonlyMap<string, StoredValues>,
  layers: readonly SizedLayer[],
): ReadonlyMap<string, StoredValues> {
  return moved(values, layers, false);
}

function moved(
  values: ReadonlyMap<string, StoredValues>,
  layers: readonly SizedLayer[],
  toExperts: boolean,
): ReadonlyMap<string, StoredValues> {
  const changed = layers.flatMap((layer) => {
    const { experts, rank, out } = layer;
    const key = matrixName(layer, 'B');
    const given = values.get(key);
    if (experts === undefined || given === undefined) return [];
    const data = new Float32Array(given.data.length);
    for (let expert = 0; expert < experts; expert++) {
      for (let row = 0; row < out; row++) {
        for (let own = 0; own < rank; own++) {
          const inMemory = (expert * out + row) * rank + own;
          const inFile = (row * rank + own) * experts + expert;
          const [to, from] = toExperts ? [inMemory, inFile] : [inFile, inMemory];
          data[to] = given.data[from] ?? 0;
        }
      }
    }
    const shape = toExperts ? [experts * out, rank] : storedShape(layer);
    return [[key, { shape, data }] as const];
  });
  return new Map([...values, ...changed]);
}
