// What stays between the way there and the way back, in f16 in place of f32 ("Mixed Precision Training", Micikevicius et
// al. 2018, arXiv 1710.03740, keeps activations so). The list is as it would be, and computes in f32: behind its last use
// on the way there a result is packed, and before its first use on the way back unpacked. So the memory of f32 is shared.

import type { Dispatch, Recording } from '../runtime/record.ts';
import { copyOf, written } from '../runtime/recompute.ts';
import { elements, type Tensor } from '../runtime/tensor.ts';
import { packHalves, unpackHalves } from '../shaders/elementwise/halves.ts';

/** Dispatches between two uses from which on it saves memory to pack what they use. */
const apart = 8;

/** Elements of what is worth two dispatches. */
const least = 1024;

/** The dispatches around a stay: the last use on the way there, the first on the way back. */
interface Stay {
  readonly last: number;
  readonly next: number;
}

/**
 * Has results that the way back uses stay in f16: those that operations of the tape have as inputs or outputs. What else
 * they leave for the way back, sums of attention for instance, stays as exact as it is. `forward`: how many dispatches
 * the way there has; `outputs`: what comes back.
 */
export function keepInHalves(
  recording: Recording,
  forward: number,
  outputs: readonly Tensor[],
): void {
  const dispatches = [...recording.dispatches];
  const behind = new Map<number, Dispatch[]>();
  const before = new Map<number, Dispatch[]>();
  const renewed = new Map<Tensor, Tensor>();
  const taken = (record: () => Tensor): readonly [Tensor, Dispatch[]] => {
    const tensor = record();
    return [tensor, recording.dispatches.splice(dispatches.length)];
  };
  for (const [tensor, { last, next }] of stays(recording, forward)) {
    if (outputs.includes(tensor)) continue;
    const [packed, pack] = taken(() => packHalves(tensor));
    const [unpacked, unpack] = taken(() => unpackHalves(packed, tensor.shape));
    behind.set(last, [...(behind.get(last) ?? []), ...pack]);
    before.set(next, [...(before.get(next) ?? []), ...unpack]);
    renewed.set(tensor, unpacked);
  }
  const renewedOf = (tensor: Tensor): Tensor => {
    const known = renewed.get(tensor);
    const whole = tensor.of && renewed.get(tensor.of);
    if (known !== undefined || whole === undefined) return known ?? tensor;
    const window = copyOf(tensor, { of: whole });
    renewed.set(tensor, window);
    return window;
  };
  const list = dispatches.flatMap((dispatch, index) => [
    ...(before.get(index) ?? []),
    index < forward ? dispatch : { ...dispatch, bindings: withTensors(dispatch, renewedOf) },
    ...(behind.get(index) ?? []),
  ]);
  recording.dispatches.splice(0, dispatches.length, ...list);
}

function withTensors(
  { bindings }: Dispatch,
  change: (tensor: Tensor) => Tensor,
): Dispatch['bindings'] {
  const changed = Object.entries(bindings).map(
    ([name, tensor]) => [name, tensor && change(tensor)] as const,
  );
  return Object.fromEntries(changed);
}

/** The results that both ways use and only the way there writes, with where they are not used for long. */
function stays({ dispatches, tape, kept }: Recording, forward: number): Map<Tensor, Stay> {
  const results = new Set<Tensor>();
  for (const { output, inputs } of tape) {
    for (const tensor of [output, ...inputs]) {
      for (const part of tensor?.parts ?? [tensor]) if (part) results.add(part.of ?? part);
    }
  }
  const last = new Map<Tensor, number>();
  const next = new Map<Tensor, number>();
  const changed = new Set<Tensor>();
  dispatches.forEach((dispatch, index) => {
    const isBack = index >= forward;
    if (isBack) for (const tensor of written(dispatch)) changed.add(tensor);
    for (const bound of Object.values(dispatch.bindings)) {
      const tensor = bound?.of ?? bound;
      if (tensor === undefined) continue;
      if (!isBack) last.set(tensor, index);
      else if (!next.has(tensor)) next.set(tensor, index);
    }
  });
  const found = new Map<Tensor, Stay>();
  for (const tensor of results) {
    const [left, back] = [last.get(tensor), next.get(tensor)];
    const { buffer, dtype, isRecorded, pitch, shape } = tensor;
    const size = elements(shape);
    const isPlain = dtype === 'f32' && pitch === tensor.size(-1) && size % 2 === 0;
    if (!isPlain || size < least || buffer !== undefined || !isRecorded) continue;
    if (kept.has(tensor) || changed.has(tensor)) continue;
    if (left === undefined || back === undefined || back - left < apart) continue;
    found.set(tensor, { last: left, next: back });
  }
  return found;
}
