// Layers that are computed once more on the way back: the same losses and parameters to the last bit, dropout included,
// and one tensor a layer that stays.
import { expect, test } from 'vitest';
import { type Gpu, loadModel } from 'webgpu-transformer';
import { initialCheckpoint, Lora, Trainer } from 'webgpu-transformer/training';
import { transientBytes } from '../../src/runtime/memory-plan.ts';
import { withGpu } from '../support/gpu.ts';
import { playedLists } from '../support/lists.ts';
import { batchOf, batchSize, length, size, stacks } from '../support/stacks.ts';
import { snapshot, type Snapshot } from '../support/training.ts';

interface Run extends Snapshot {
  readonly losses: readonly number[];
  /** Of the list of gradients. */
  readonly bytes: number;
}

async function run(
  gpu: Gpu,
  kind: string,
  layers: number,
  { checkpointLayers, lora = false }: { checkpointLayers: boolean; lora?: boolean },
): Promise<Run> {
  const source = initialCheckpoint(stacks[kind]!(layers), { seed: 3 });
  using model = await loadModel(source, { gpu, ...(lora ? { dtype: 'f16' } : { training: true }) });
  using adapter = lora ? new Lora(model, { rank: 3, dropout: 0.2 }) : undefined;
  using trainer = new Trainer(model, {
    learningRate: 0.01,
    seed: 7,
    checkpointLayers,
    ...(adapter && { adapter }),
  });
  const losses: number[] = [];
  const lists = await playedLists(async () => {
    const batches = (index: number) => batchOf(kind, index);
    for await (const { loss } of trainer.steps(batches, { maxSteps: 3 })) losses.push(loss);
  });
  const bytes = Math.max(...lists.map(({ recording }) => transientBytes(recording, [])));
  return { ...(await snapshot(trainer)), losses, bytes };
}

test.each([
  ['encoder', false],
  ['decoder', false],
  ['experts', false],
  ['pair', false],
  ['relative', false],
  ['decoder', true],
])('%s, adapters %s: the same bits from less memory', (kind, lora) =>
  withGpu({}, async (gpu) => {
    const { bytes: most, ...wanted } = await run(gpu, kind, 3, { checkpointLayers: false, lora });
    const { bytes, ...got } = await run(gpu, kind, 3, { checkpointLayers: true, lora });
    expect(got).toEqual(wanted);
    expect(new Set(got.losses).size).toBe(3);
    expect(bytes).toBeLessThan(most);
  }),
);

test('a layer more takes the memory of what it is given', () =>
  withGpu({}, async (gpu) => {
    const each = async (kind: string, checkpointLayers: boolean): Promise<number> => {
      const few = await run(gpu, kind, 4, { checkpointLayers });
      const many = await run(gpu, kind, 8, { checkpointLayers });
      return (many.bytes - few.bytes) / 4;
    };
    const given = batchSize * length * size * 4;
    for (const kind of ['encoder', 'decoder']) {
      expect(await each(kind, true)).toBe(given);
      expect(await each(kind, false)).toBeGreaterThan(8 * given);
    }
  }));
