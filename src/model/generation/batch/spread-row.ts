// Sequences that go on from one prompt, each by a state of its own.

import { bytesOf } from '../../../runtime/dtype.ts';
import { Scope } from '../../../runtime/scope.ts';
import type { Tensor } from '../../../runtime/tensor.ts';

/** Copies a row of each tensor to other rows. Errors: OUT_OF_MEMORY. */
export async function spreadRow(
  owner: Scope,
  tensors: readonly Tensor[],
  [from, others]: readonly [from: number, others: readonly number[]],
): Promise<void> {
  const bytesIn = ({ dtype, shape }: Tensor): number => bytesOf(dtype, shape.at(-1) ?? 0);
  const widest = tensors.reduce((most, tensor) => Math.max(most, bytesIn(tensor)), 0);
  const scope = new Scope(owner);
  try {
    // No buffer may be copied to itself.
    const between = scope.tensor({ label: 'row', shape: [widest / 4], dtype: 'f32' });
    await scope.ready();
    const { device } = scope.gpu;
    const encoder = device.createCommandEncoder({ label: 'row' });
    for (const tensor of tensors) {
      const { buffer, offset } = tensor;
      if (buffer === undefined || between.buffer === undefined) continue;
      const bytes = bytesIn(tensor);
      encoder.copyBufferToBuffer(buffer, offset + from * bytes, between.buffer, 0, bytes);
      for (const to of others) {
        encoder.copyBufferToBuffer(between.buffer, 0, buffer, offset + to * bytes, bytes);
      }
    }
    device.queue.submit([encoder.finish()]);
  } finally {
    scope.dispose();
  }
}
