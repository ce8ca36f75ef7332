// Reads tensors that have buffers of their own, outside of any plan.

import type { Gpu } from './gpu.ts';
import { Staging } from './staging.ts';
import { Scope } from './scope.ts';
import type { Tensor } from './tensor.ts';

/** The bytes of tensors, as the work submitted so far leaves them. */
export async function readBack(gpu: Gpu, tensors: readonly Tensor[]): Promise<ArrayBuffer[]> {
  const scope = new Scope(gpu);
  try {
    const staging = new Staging(scope);
    const encoder = gpu.device.createCommandEncoder({ label: 'read back' });
    const tickets = tensors.map((tensor) => {
      const regions = (tensor.parts ?? [tensor]).map(({ buffer, offset, byteLength, label }) => {
        if (buffer === undefined) throw new RangeError(`${label} has no buffer to read`);
        return { buffer, offset, size: byteLength };
      });
      return staging.copy(encoder, [regions]);
    });
    gpu.device.queue.submit([encoder.finish()]);
    const results = await Promise.all(tickets.map((ticket) => staging.read(ticket)));
    return results.flat();
  } finally {
    scope.dispose();
  }
}
