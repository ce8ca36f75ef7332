// Results that stay in f16 until the way back: the loss is the same, gradients are off by roundings of f16, and the memory
// of what stays is half.
import { expect, test } from 'vitest';
import { type Gpu, loadModel } from 'webgpu-transformer';
import { initialCheckpoint, Lora, Trainer, type TrainerOptions } from 'webgpu-transformer/training';
import { readBack } from '../../src/runtime/read-back.ts';
import { transientBytes } from '../../src/runtime/memory-plan.ts';
import { withGpu } from '../support/gpu.ts';
import { playedLists } from '../support/lists.ts';
import { batchOf, stacks } from '../support/stacks.ts';

interface Step {
  readonly loss: number;
  readonly gradient: Float32Array;
  /** Of the list of gradients. */
  readonly bytes: number;
  readonly kernels: readonly string[];
}

/** The first step of a run: what it finds. */
async function firstStep(
  gpu: Gpu,
  kind: string,
  options: Partial<TrainerOptions>,
  lora = false,
): Promise<Step> {
  const source = initialCheckpoint(stacks[kind]!(3), { seed: 3 });
  using model = await loadModel(source, { gpu, ...(lora ? { dtype: 'f16' } : { training: true }) });
  using adapter = lora ? new Lora(model, { rank: 3 }) : undefined;
  using trainer = new Trainer(model, {
    learningRate: 1e-30,
    seed: 7,
    ...options,
    ...(adapter && { adapter }),
  });
  let loss = NaN;
  const lists = await playedLists(async () => {
    const batches = (index: number) => batchOf(kind, index);
    for await (const step of trainer.steps(batches, { maxSteps: 1 })) loss = step.loss;
  });
  const read = await readBack(gpu, [...trainer.state.gradients.values()]);
  const gradient = Float32Array.from(read.flatMap((bytes) => [...new Float32Array(bytes)]));
  const bytes = Math.max(...lists.map(({ recording }) => transientBytes(recording, [])));
  const kernels = lists.flatMap(({ recording }) =>
    recording.dispatches.map(({ kernel }) => kernel.name),
  );
  return { loss, gradient, bytes, kernels };
}

function lengthOf(vector: Float32Array): number {
  return Math.hypot(...vector);
}

test.each([
  ['encoder', {}, false],
  ['decoder', {}, false],
  ['decoder', { checkpointLayers: true }, false],
  ['experts', {}, false],
  ['relative', {}, false],
  ['decoder', {}, true],
] as const)('%s, %o, adapters %s: gradients to roundings of f16', (kind, options, lora) =>
  withGpu({}, async (gpu) => {
    const exact = await firstStep(gpu, kind, options, lora);
    const kept = await firstStep(gpu, kind, { ...options, activations: 'f16' }, lora);
    expect(kept.loss).toBe(exact.loss);
    expect(kept.kernels).toContain('pack-halves');
    expect(exact.kernels).not.toContain('pack-halves');
    const error = lengthOf(kept.gradient.map((value, i) => value - exact.gradient[i]!));
    expect(error).toBeGreaterThan(0);
    // The roundoff of f16 is 2^-11; those of three layers come together, most in T5's scores, which nothing divides.
    expect(error / lengthOf(exact.gradient)).toBeLessThan(2 ** -8);
    expect(kept.bytes).toBeLessThan(exact.bytes);
  }),
);

test('a trainer takes no other formats', () =>
  withGpu({}, async (gpu) => {
    using model = await loadModel(initialCheckpoint(stacks['decoder']!(1), { seed: 1 }), {
      gpu,
      training: true,
    });
    const made = () => new Trainer(model, { learningRate: 1, activations: 'f64' as never });
    expect(made).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
    expect(made).toThrow(/activations is "f64"; wanted 'f32' or 'f16'/);
  }));
