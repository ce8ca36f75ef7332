// What an optimizer keeps for the parameters: f32 a segment, or m and v of large parameters in bytes, a run of them at
// a time. In files it is f32 by the names of the parameters, whatever it is held in.

import { allOf, readBack } from '../runtime/read-back.ts';
import type { Scope } from '../runtime/scope.ts';
import { elements, type Tensor } from '../runtime/tensor.ts';
import type { Parameters } from '../model/weights/parameters.ts';
import { blockSize, decodeMoments, encodeMoments } from '../shaders/optimizer/dynamic-codes.ts';
import type { Run } from '../shaders/optimizer/segment.ts';
import type { Optimizer } from './optimizers.ts';

/** Parameters of fewer numbers than this keep f32 (Dettmers et al. 2022, arXiv 2110.02861, appendix D). */
const leastInBytes = 4096;

/** Elements of a segment whose states are held alike. */
export interface HeldRun extends Run {
  readonly segment: number;
  readonly eightBit: boolean;
}

/** The same with its states: one f32 tensor for each of the optimizer's, or codes of m, codes of v and scales. */
export interface StateRun extends HeldRun {
  readonly states: readonly Tensor[];
}

/** Which elements are held in what, in the order of the segments. */
export function heldRuns(
  { segments, places }: Parameters,
  { eightBit = false }: Optimizer,
): HeldRun[] {
  return segments.flatMap(({ shape }, segment) => {
    const whole = { segment, first: 0, size: elements(shape), eightBit: false };
    if (!eightBit) return [whole];
    const runs: HeldRun[] = [];
    const own = places.filter((place) => place.segment === segment);
    for (const { tensor, first } of own.toSorted((a, b) => a.first - b.first)) {
      const size = Math.ceil(elements(tensor.shape) / blockSize) * blockSize;
      const isLarge = elements(tensor.shape) >= leastInBytes;
      const last = runs.at(-1);
      if (last?.eightBit === isLarge) runs[runs.length - 1] = { ...last, size: last.size + size };
      else runs.push({ segment, first, size, eightBit: isLarge });
    }
    return runs;
  });
}

/** Bytes of the states of a run. */
export function runBytes({ size, eightBit }: HeldRun, { states }: Optimizer): number {
  return eightBit ? 2 * size + (8 * size) / blockSize : 4 * states.length * size;
}

/** Makes the states of a run, all 0. */
export function makeStates(scope: Scope, run: HeldRun, { states }: Optimizer): StateRun {
  const { segment, size, eightBit } = run;
  const tensor = (name: string, length: number, dtype: 'f32' | 'u32'): Tensor =>
    scope.tensor({ label: `${name} ${segment}`, shape: [length], dtype });
  if (!eightBit) return { ...run, states: states.map((name) => tensor(name, size, 'f32')) };
  const codes = states.map((name) => tensor(`${name}, in bytes`, size / 4, 'u32'));
  return { ...run, states: [...codes, tensor('scales', (2 * size) / blockSize, 'f32')] };
}

/** Each state as it stands when called, in f32, laid out as the segments are. */
export async function readStates(
  scope: Scope,
  { segments }: Parameters,
  runs: readonly StateRun[],
  names: readonly string[],
): Promise<Float32Array<ArrayBuffer>[][]> {
  const read = await allOf(runs.map(({ states }) => readBack(scope.gpu, states)));
  const values = names.map(() => segments.map(({ shape }) => new Float32Array(elements(shape))));
  runs.forEach(({ segment, first, eightBit }, index) => {
    const buffers = read[index] ?? [];
    const own = eightBit ? inFloats(buffers) : buffers.map((bytes) => new Float32Array(bytes));
    own.forEach((state, which) => values[which]?.[segment]?.set(state, first));
  });
  return values;
}

function inFloats([m, v, scales]: readonly ArrayBuffer[]): Float32Array[] {
  const bytes = (codes = new ArrayBuffer(0)): Uint8Array<ArrayBuffer> => new Uint8Array(codes);
  const moments = decodeMoments({
    m: bytes(m),
    v: bytes(v),
    scales: new Float32Array(scales ?? new ArrayBuffer(0)),
  });
  return [moments.m, moments.v];
}

function inBytes([m, v]: readonly (Float32Array<ArrayBuffer> | undefined)[]): (
  | Uint8Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
)[] {
  if (m === undefined || v === undefined) return [];
  const codes = encodeMoments({ m, v });
  return [codes.m, codes.v, codes.scales];
}

/** Puts back what `readStates` gave. */
export function writeStates(
  { gpu }: Scope,
  runs: readonly StateRun[],
  values: readonly (readonly Float32Array<ArrayBuffer>[])[],
): void {
  for (const { segment, first, size, eightBit, states } of runs) {
    const own = values.map((segments) => segments[segment]?.slice(first, first + size));
    const data = eightBit ? inBytes(own) : own;
    states.forEach(({ buffer }, index) => {
      const bytes = data[index];
      if (buffer !== undefined && bytes) gpu.device.queue.writeBuffer(buffer, 0, bytes);
    });
  }
}
