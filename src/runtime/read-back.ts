// Reads tensors that have buffers of their own, outside of any plan.

import type { Gpu } from './gpu.ts';
import { assertAlive, Scope } from './scope.ts';
import { Staging } from './staging.ts';
import type { Tensor } from './tensor.ts';

/** The bytes of tensors, as the work submitted so far leaves them. `owner`: what they end with. */
export async function readBack(
  owner: Gpu | Scope,
  tensors: readonly Tensor[],
): Promise<ArrayBuffer[]> {
  const scope = new Scope(owner);
  try {
    scope.assertUsable();
    const { device } = scope.gpu;
    const staging = new Staging(scope);
    const encoder = device.createCommandEncoder({ label: 'read back' });
    const tickets = tensors.map((tensor) => {
      const regions = (tensor.parts ?? [tensor]).map(({ buffer, offset, byteLength, label }) => {
        if (buffer === undefined) throw new RangeError(`${label} has no buffer to read`);
        assertAlive(buffer);
        return { buffer, offset, size: byteLength };
      });
      return staging.copy(encoder, [regions]);
    });
    device.queue.submit([encoder.finish()]);
    const results = await Promise.all(tickets.map((ticket) => staging.read(ticket)));
    return results.flat();
  } finally {
    scope.dispose();
  }
}
