// A run takes the GPU memory of its first steps and no more, and gives all of it back.

import { Trainer } from 'webgpu-transformer/training';
import { expect, test } from 'vitest';
import { withGpu } from '../support/gpu.ts';
import { tinyBatch, tinyModel } from '../support/training.ts';

/** How many buffers a device has made and destroyed, whoever asked for them. */
function countBuffers(device: GPUDevice): { made: number; destroyed: number } {
  const counts = { made: 0, destroyed: 0 };
  const create = device.createBuffer.bind(device);
  device.createBuffer = (descriptor): GPUBuffer => {
    const buffer = create(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    counts.made += 1;
    buffer.destroy = (): undefined => {
      counts.destroyed += 1;
      destroy();
    };
    return buffer;
  };
  return counts;
}

test.each([
  [1000, 1],
  [150, 2],
])('memory is flat from step 50 to %i, %i batches a step', async (maxSteps, accumulate) => {
  await withGpu({}, async (gpu) => {
    const counts = countBuffers(gpu.device);
    const model = await tinyModel(gpu);
    const loaded = gpu.memory;
    const trainer = new Trainer(model, { learningRate: 1e-3, accumulate });
    const held = (): object => ({ ...gpu.memory, made: counts.made, destroyed: counts.destroyed });
    let flat: object = {};
    // Batches of two shapes and a few sizes; a function, so that nothing is kept for them either.
    const batches = (index: number) => tinyBatch(index % 6, 1 + (index % 2));
    for await (const { step } of trainer.steps(batches, { maxSteps })) {
      if (step % 50 === 10) await trainer.evaluate([tinyBatch(step % 6)]);
      if (step === 50) flat = held();
      if (step === maxSteps) expect(held()).toEqual(flat);
    }
    expect(trainer.step).toBe(maxSteps);

    trainer.dispose();
    const { bytes, buffers } = gpu.memory;
    expect({ bytes, buffers }).toEqual({ bytes: loaded.bytes, buffers: loaded.buffers });
    expect(counts.made - counts.destroyed).toBe(loaded.buffers);
    trainer.dispose();
    model.dispose();
    expect(counts.made - counts.destroyed).toBe(0);
  });
});

test('lists of shapes that no longer come are freed', async () => {
  await withGpu({}, async (gpu) => {
    const model = await tinyModel(gpu);
    const trainer = new Trainer(model, { learningRate: 1e-3 });
    const sizes = Array.from({ length: 20 }, (_, index) => index + 1);
    const held: number[] = [];
    const batches = (index: number) => {
      const size = sizes[index];
      return size === undefined ? undefined : tinyBatch(0, size);
    };
    for await (const { step } of trainer.steps(batches))
      if (step > 0) held.push(gpu.memory.buffers);
    // Twelve lists are kept, and one more is in use while the next is made.
    expect(held.at(-1)! - held[0]!).toBeLessThan(13 * (held[1]! - held[0]! + 8));
    expect(held[19]! - held[15]!, 'no more lists than before').toBeLessThanOrEqual(8);
    trainer.dispose();
    model.dispose();
  });
});
