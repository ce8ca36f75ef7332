// Adapters over weights in blocks: they learn as over the numbers that the blocks stand for; only merging is refused.
import { expect, test } from 'vitest';
import { loadModel, type ModelInputs } from 'webgpu-transformer';
import { Lora, Trainer } from 'webgpu-transformer/training';
import { sharedGpu } from '../../support/gpu.ts';
import { expectRejection } from '../../support/rejection.ts';
import { fixtureSource } from '../../support/source.ts';

const onGpu = sharedGpu();
const batch: ModelInputs = { inputIds: [[5, 7, 9, 11]], labels: [[5, 7, 9, 11]] };

test('an adapter learns over int8 nearly as over f32, and more roughly over int4', () =>
  onGpu(async (gpu) => {
    const losses = new Map<string, number[]>();
    for (const dtype of ['f32', 'int8', 'int4'] as const) {
      using model = await loadModel(fixtureSource('gpt2'), { gpu, dtype });
      using lora = new Lora(model, { rank: 2, targets: ['*c_attn', '*c_proj'] });
      using trainer = new Trainer(model, { learningRate: 0.02, adapter: lora });
      const own: number[] = [];
      for await (const { loss } of trainer.steps([batch, batch, batch, batch])) own.push(loss);
      losses.set(dtype, own);
      if (dtype === 'f32') continue;
      await expectRejection(lora.merge(), 'MODEL_UNSUPPORTED', 'c_attn', dtype, "dtype: 'f16'");
      expect(own[3]! / own[0]!).toBeLessThan(0.6);
    }
    // Losses over rounded weights are those of other weights: near, and not the same.
    const [plain, fine, coarse] = [...losses.values()];
    const largest = (own: number[] = []): number =>
      Math.max(...own.map((loss, i) => Math.abs(loss / plain![i]! - 1)));
    expect(largest(fine)).toBeLessThan(0.02);
    expect(largest(coarse)).toBeLessThan(0.25);
    expect(largest(fine)).toBeGreaterThan(0);
  }));
