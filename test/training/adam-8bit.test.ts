// A run whose optimizer holds its moments in bytes: it learns as one that holds them in f32, takes a quarter of the
// memory for those of large parameters, and goes on bit for bit.
import { expect, test } from 'vitest';
import { loadModel, type ModelInputs } from 'webgpu-transformer';
import { adamW, initialCheckpoint, Trainer, trainingMemory } from 'webgpu-transformer/training';
import { withGpu } from '../support/gpu.ts';
import { Random } from '../support/random.ts';
import { expectRejection } from '../support/rejection.ts';
import { MemoryTarget, snapshot } from '../support/training.ts';

const config = {
  model_type: 'gpt2',
  vocab_size: 61,
  n_embd: 48,
  n_layer: 2,
  n_head: 3,
  n_positions: 16,
  resid_pdrop: 0.1,
};

/** Each token follows from the one before. */
function batch(index: number): ModelInputs {
  const random = new Random(40 + index);
  const inputIds = Array.from({ length: 4 }, () => {
    const first = random.integer(0, 60);
    return Array.from({ length: 16 }, (_, i) => (first + 7 * i) % 61);
  });
  return { inputIds, labels: inputIds };
}

const optimizer = (state: 'f32' | '8bit') => adamW({ weightDecay: 0.05, state });

test('moments in bytes: as good as f32, in less memory, and resumed bit for bit', () =>
  withGpu({}, async (gpu) => {
    const load = () => loadModel(initialCheckpoint(config, { seed: 2 }), { gpu, training: true });
    const begin = async (state: 'f32' | '8bit') => {
      const model = await load();
      const trainer = new Trainer(model, { optimizer: optimizer(state), learningRate: 3e-3 });
      const losses: number[] = [];
      const to = async (maxSteps: number) => {
        for await (const { loss } of trainer.steps(batch, { maxSteps })) losses.push(loss);
      };
      return { model, trainer, losses, to };
    };
    const [plain, bytes] = [await begin('f32'), await begin('8bit')];
    const told = (state: 'f32' | '8bit') =>
      trainingMemory(plain.model, { optimizer: optimizer(state), learningRate: 1 }, batch(0));
    // A byte of flags for each number, and 8 of states; 2.125 of states for those of matrices of 4096 numbers and more.
    const count = told('f32').optimizer / 9;
    const large = 2 * (48 * 144 + 2 * 48 * 192);
    expect(told('8bit').optimizer).toBe(count + 2.125 * large + 8 * (count - large));
    expect(bytes.trainer.state.runs.some(({ eightBit }) => eightBit)).toBe(true);

    await plain.to(60);
    await bytes.to(30);
    const target = new MemoryTarget();
    await bytes.trainer.save(target);
    await bytes.to(60);
    const tail = (losses: readonly number[]): number =>
      losses.slice(-5).reduce((sum, loss) => sum + loss, 0) / 5;
    expect(tail(plain.losses)).toBeLessThan(0.5 * plain.losses[0]!);
    expect(Math.abs(tail(bytes.losses) / tail(plain.losses) - 1)).toBeLessThan(0.1);
    expect(bytes.losses).not.toEqual(plain.losses);

    const resumed = await begin('8bit');
    await resumed.trainer.restore(target.source);
    await resumed.to(60);
    expect(resumed.losses).toEqual(bytes.losses.slice(30));
    expect(await snapshot(resumed.trainer)).toEqual(await snapshot(bytes.trainer));
    await expectRejection(plain.trainer.restore(target.source), 'OPTION_INVALID', 'eightBit');
    for (const { model, trainer } of [plain, bytes, resumed]) {
      trainer.dispose();
      model.dispose();
    }
  }));

test('what bytes cannot hold is refused', async () => {
  await expectRejection(() => adamW({ state: '8bit', amsgrad: true }), 'OPTION_INVALID', 'amsgrad');
  await expectRejection(() => adamW({ state: '4bit' as '8bit' }), 'OPTION_INVALID', "'8bit'");
});
