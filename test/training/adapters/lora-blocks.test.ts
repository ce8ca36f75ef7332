// Adapters over weights in blocks: they learn as over the numbers that the blocks stand for; only merging is refused.
import { expect, test } from 'vitest';
import { loadModel, type ModelInputs } from 'webgpu-transformer';
import { Lora, Trainer } from 'webgpu-transformer/training';
import { sharedGpu } from '../../support/gpu.ts';
import { expectRejection } from '../../support/rejection.ts';
import { fixtureSource } from '../../support/source.ts';

const onGpu = sharedGpu();
const batch: ModelInputs = { inputIds: [[5, 7, 9, 11]], labels: [[5, 7, 9, 11]] };

test.each([
  ['gpt2', 0.6, ['*c_attn', '*c_proj']],
  ['llama_gqa', 0.75, ['*q_proj', '*v_proj', '*up_proj', '*down_proj']],
])(
  'an adapter of %s learns over int8 nearly as over f32, and more roughly over int4',
  (name, left, targets) =>
    onGpu(async (gpu) => {
      const losses = new Map<string, number[]>();
      for (const dtype of ['f32', 'int8', 'int4'] as const) {
        using model = await loadModel(fixtureSource(name), { gpu, dtype });
        using lora = new Lora(model, { rank: 2, targets });
        using trainer = new Trainer(model, { learningRate: 0.02, adapter: lora });
        const own: number[] = [];
        for await (const { loss } of trainer.steps([batch, batch, batch, batch])) own.push(loss);
        losses.set(dtype, own);
        if (dtype === 'f32') continue;
        await expectRejection(
          lora.merge(),
          'MODEL_UNSUPPORTED',
          targets[0]!.slice(1),
          dtype,
          "dtype: 'f16'",
        );
        expect(own[3]! / own[0]!).toBeLessThan(left);
      }
      // Losses over rounded weights are those of other weights: near, and not the same.
      const [plain, fine, coarse] = [...losses.values()];
      const largest = (own: number[] = []): number =>
        Math.max(...own.map((loss, i) => Math.abs(loss / plain![i]! - 1)));
      expect(largest(fine)).toBeLessThan(0.02);
      expect(largest(coarse)).toBeLessThan(0.25);
      expect(largest(fine)).toBeGreaterThan(0);
    }),
);
