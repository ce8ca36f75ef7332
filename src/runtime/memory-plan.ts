// Gives transient tensors memory: tensors whose lifetimes do not overlap share a buffer.

import { COPY_SRC, STORAGE } from './constants.ts';
import type { Bindings, Recording } from './record.ts';
import type { Tensor } from './tensor.ts';

/** Where a tensor lies, in bytes from the buffer's start. */
export interface Place {
  readonly buffer: GPUBuffer;
  readonly offset: number;
}

/** The dispatches from a tensor's first to its last. */
interface Life {
  readonly tensor: Tensor;
  readonly first: number;
  last: number;
}

/** A buffer that tensors share, one after the other. */
interface Slot {
  readonly bytes: number;
  readonly lives: Life[];
}

/** Gives them buffers of their own, made by the recording's scope. */
export function shareMemory(
  recording: Recording,
  outputs: readonly Tensor[],
): ReadonlyMap<Tensor, Place> {
  const { scope, kept } = recording;
  const places = new Map<Tensor, Place>();
  for (const [tensor, { buffer, offset }] of kept) {
    if (buffer !== undefined) places.set(tensor, { buffer, offset });
  }
  for (const { bytes, lives } of shareSlots(recording, outputs)) {
    const label = lives.map(({ tensor }) => tensor.label).join(' ');
    const buffer = scope.buffer(label, bytes, STORAGE | COPY_SRC);
    for (const { tensor } of lives) places.set(tensor, { buffer, offset: 0 });
  }
  return places;
}

/** Bytes of these buffers, before any is made. */
export function transientBytes(recording: Recording, outputs: readonly Tensor[]): number {
  return shareSlots(recording, outputs).reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * "Greedy by size" for shared objects (Pisarchyk and Lee 2020, "Efficient Memory Management for Deep Neural Net
 * Inference", arXiv 2001.03288, §4.3): from the largest tensor on, each takes the smallest slot that nobody has
 * meanwhile. So what lives long never keeps a slot that is larger than it needs from others. Whole buffers are shared,
 * never parts of one, because WebGPU refuses a buffer that is read and written in the same dispatch.
 */
function shareSlots(recording: Recording, outputs: readonly Tensor[]): Slot[] {
  const slots: Slot[] = [];
  const bySize = livesOf(recording, outputs).toSorted(
    (a, b) => b.tensor.byteLength - a.tensor.byteLength,
  );
  for (const life of bySize) {
    // Slots are as large as the first in them, so the last ones are the smallest.
    const free = slots.findLast(({ lives }) => lives.every((other) => isApart(life, other)));
    if (free === undefined) slots.push({ bytes: life.tensor.byteLength, lives: [life] });
    else free.lives.push(life);
  }
  return slots;
}

function isApart(a: Life, b: Life): boolean {
  return a.last < b.first || b.last < a.first;
}

/** In the order of first uses; outputs live to the end. */
function livesOf({ dispatches, kept }: Recording, outputs: readonly Tensor[]): Life[] {
  const lives = new Map<Tensor, Life>();
  dispatches.forEach(({ bindings }, index) => {
    for (const tensor of transients(bindings, kept)) {
      const life = lives.get(tensor);
      if (life === undefined) lives.set(tensor, { tensor, first: index, last: index });
      else life.last = index;
    }
  });
  for (const part of outputs.flatMap((output) => output.parts ?? [output])) {
    const life = lives.get(part);
    if (life !== undefined) life.last = Infinity;
  }
  return [...lives.values()];
}

/** The tensors of a dispatch whose memory may be shared. */
function transients(bindings: Bindings, kept: ReadonlyMap<Tensor, Tensor>): Tensor[] {
  return Object.values(bindings)
    .map((tensor) => tensor?.of ?? tensor)
    .filter(
      (tensor): tensor is Tensor =>
        tensor?.isRecorded === true && tensor.buffer === undefined && !kept.has(tensor),
    );
}
