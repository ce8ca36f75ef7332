// Gives transient tensors memory: tensors whose lifetimes do not overlap share a buffer.

import { COPY_SRC, STORAGE } from './constants.ts';
import type { Bindings, Recording } from './record.ts';
import type { Tensor } from './tensor.ts';

/** Where a tensor lies, in bytes from the buffer's start. */
export interface Place {
  readonly buffer: GPUBuffer;
  readonly offset: number;
}

interface Slot {
  bytes: number;
  readonly tensors: Tensor[];
}

/**
 * Walks the list once. A tensor takes the free slot that fits it best and gives it back after its
 * last use; outputs keep theirs to the end. Whole buffers are shared, never parts of one, because
 * WebGPU refuses a buffer that is read and written in the same dispatch.
 */
export function shareMemory(
  recording: Recording,
  outputs: readonly Tensor[],
): ReadonlyMap<Tensor, Place> {
  const { dispatches, scope, kept } = recording;
  const lastUse = new Map<Tensor, number>();
  dispatches.forEach(({ bindings }, index) => {
    for (const tensor of transients(bindings, kept)) lastUse.set(tensor, index);
  });
  for (const tensor of outputs) {
    for (const part of tensor.parts ?? [tensor]) lastUse.set(part, Infinity);
  }

  const slots: Slot[] = [];
  const free = new Set<Slot>();
  const held = new Map<Tensor, Slot>();
  dispatches.forEach(({ bindings }, index) => {
    const used = transients(bindings, kept);
    for (const tensor of used) {
      if (held.has(tensor)) continue;
      const slot = bestFit(free, tensor.byteLength) ?? { bytes: 0, tensors: [] };
      if (slot.tensors.length === 0) slots.push(slot);
      slot.bytes = Math.max(slot.bytes, tensor.byteLength);
      slot.tensors.push(tensor);
      free.delete(slot);
      held.set(tensor, slot);
    }
    for (const tensor of used) {
      const slot = held.get(tensor);
      if (slot !== undefined && lastUse.get(tensor) === index) free.add(slot);
    }
  });

  const places = new Map<Tensor, Place>();
  for (const [tensor, { buffer, offset }] of kept) {
    if (buffer !== undefined) places.set(tensor, { buffer, offset });
  }
  for (const { bytes, tensors } of slots) {
    const label = tensors.map((tensor) => tensor.label).join(' ');
    const buffer = scope.buffer(label, bytes, STORAGE | COPY_SRC);
    for (const tensor of tensors) places.set(tensor, { buffer, offset: 0 });
  }
  return places;
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

/** The smallest slot that is large enough, else the largest one (it will grow), else none. */
function bestFit(free: ReadonlySet<Slot>, bytes: number): Slot | undefined {
  let best: Slot | undefined;
  for (const slot of free) {
    if (best === undefined) best = slot;
    else if (
      slot.bytes >= bytes ? best.bytes < bytes || slot.bytes < best.bytes : slot.bytes > best.bytes
    ) {
      best = slot;
    }
  }
  return best;
}
