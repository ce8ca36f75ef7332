// Takes out of a list what nobody reads.

import type { Recording } from './record.ts';
import type { Tensor } from './tensor.ts';

/**
 * Takes out the dispatches whose results have no part in `outputs`, nor in what outlives a play: those before a tensor
 * in whose place another stands.
 */
export function dropUnread({ dispatches, kept }: Recording, outputs: readonly Tensor[]): void {
  const whole = (tensor: Tensor): Tensor => tensor.of ?? tensor;
  const read = new Set(outputs.flatMap((output) => output.parts ?? [output]).map(whole));
  const live = dispatches
    .toReversed()
    .filter(({ kernel, bindings }) => {
      const tensors = Object.entries(bindings).flatMap(([name, tensor]) =>
        tensor === undefined ? [] : [{ access: kernel.bindings[name], tensor: whole(tensor) }],
      );
      const isRead = tensors.some(
        ({ access, tensor }) =>
          access === 'write' &&
          (tensor.buffer !== undefined || kept.has(tensor) || read.has(tensor)),
      );
      if (isRead) for (const { tensor } of tensors) read.add(tensor);
      return isRead;
    })
    .toReversed();
  dispatches.splice(0, dispatches.length, ...live);
}
