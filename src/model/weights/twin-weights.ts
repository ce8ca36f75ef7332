// Tensors that a file holds twice, under names that are tied: the same values are one weight, others two.

import { throwIfAborted } from '../../runtime/errors.ts';
import type { TensorEntry } from '../../source/safetensors.ts';
import { readRange, type Source } from '../../source/source.ts';
import { packedOf } from './packed-entry.ts';

/** Bytes of the first comparison, which mostly decides, and of the others. */
const [glance, step] = [64 * 1024, 4 * 1024 * 1024];

/** The entries without those that repeat the values of their twin. Reads only what is there twice. */
export async function withoutRepeats(
  source: Source,
  entries: ReadonlyMap<string, TensorEntry>,
  twins: readonly (readonly [first: string, other: string])[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, TensorEntry>> {
  const distinct = new Map(entries);
  for (const [first, other] of twins) {
    const [a, b] = [entries.get(first), entries.get(other)];
    if (a && b && (await isSame(source, a, b, signal))) distinct.delete(other);
  }
  return distinct;
}

/** Whether two tensors are the same, bit for bit; or all that two are packed of. */
async function isSame(
  source: Source,
  a: TensorEntry,
  b: TensorEntry,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const [others, same] = [packedOf(a)?.others, packedOf(b)?.others];
  if (others?.size !== same?.size) return false;
  for (const [end, entry] of others ?? []) {
    const twin = same?.get(end);
    if (twin === undefined || !(await isSame(source, entry, twin, signal))) return false;
  }
  if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join()) return false;
  const size = a.end - a.start;
  for (let at = 0, end = 0; at < size; at = end) {
    throwIfAborted(signal);
    end = Math.min(size, at + (at === 0 ? glance : step));
    const [left, right] = await Promise.all(
      [a, b].map(({ file, start }) =>
        readRange(source, file, { start: start + at, end: start + end }, signal),
      ),
    );
    if (left === undefined || right === undefined) return false;
    for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false;
  }
  return true;
}
