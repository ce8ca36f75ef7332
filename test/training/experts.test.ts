// Training of mixtures of experts beyond their gradients: what is saved, adapters over them, and their balance.
import { expect, test } from 'vitest';
import { loadModel, type ModelInputs } from 'webgpu-transformer';
import {
  adam,
  loadLora,
  Lora,
  type LoraOptions,
  sgd,
  Trainer,
  withAdapters,
} from 'webgpu-transformer/training';
import { callInputs } from '../support/checkpoint.ts';
import { expectClose, readCase } from '../support/expected.ts';
import { sharedGpu } from '../support/gpu.ts';
import { fill } from '../support/lora.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureSource } from '../support/source.ts';
import { MemoryTarget, snapshot } from '../support/training.ts';

const onGpu = sharedGpu();

async function inputsOf(name: string, call = 'main'): Promise<ModelInputs> {
  return callInputs(await readCase(name), call);
}

test.each(['variants/gpt_oss', 'variants/qwen3_moe'])(
  '%s is saved as it was stored, goes on, and is equal bit for bit',
  (name) =>
    onGpu(async (gpu) => {
      const batch = await inputsOf(name);
      const target = new MemoryTarget();
      const run = async (steps: number, restores: boolean) => {
        using model = await loadModel(fixtureSource(name), { gpu, training: true });
        using trainer = new Trainer(model, { optimizer: adam(), learningRate: 3e-3 });
        if (restores) await trainer.restore(target.source);
        for await (const _ of trainer.steps(() => batch, { maxSteps: steps })) void _;
        if (steps === 2) await trainer.save(target);
        return { kept: await snapshot(trainer), logits: (await model.forward(batch)).logits! };
      };
      const half = await run(2, false);
      using saved = await loadModel(target.source, { gpu });
      expectClose((await saved.forward(batch)).logits, half.logits, 'logits of what was saved');
      const whole = await run(4, false);
      const resumed = await run(4, true);
      expect(resumed.kept).toEqual(whole.kept);
    }),
);

test.each([
  ['variants/qwen3_moe', 'int8'],
  ['variants/gpt_oss', undefined],
] as const)('adapters of attention train over the experts of %s as %s', (name, dtype) =>
  onGpu(async (gpu) => {
    const batch = await inputsOf(name);
    using model = await loadModel(fixtureSource(name), { gpu, ...(dtype && { dtype }) });
    const refused = (): Lora => new Lora(model, { targets: ['*.experts.*'] });
    await expectRejection(refused, 'OPTION_INVALID', '.mlp.experts.', 'of an expert');
    using lora = new Lora(model, { rank: 2, targets: ['*.q_proj', '*.o_proj'] });
    using trainer = new Trainer(model, { learningRate: 2e-2, adapter: lora });
    const losses: number[] = [];
    for await (const { loss } of trainer.steps(() => batch, { maxSteps: 8 })) losses.push(loss);
    expect(losses.at(-1)!).toBeLessThan(0.97 * losses[0]!);
  }),
);

test('experts are adapted by the parameters that hold them, and files bring the same back', () =>
  onGpu(async (gpu) => {
    const name = 'variants/qwen3_moe';
    const batch = await inputsOf(name);
    using model = await loadModel(fixtureSource(name), { gpu, dtype: 'int8' });
    const both = ['*.experts.gate_up_proj', '*.experts.down_proj'];
    using lora = new Lora(model, { rank: 2, targetParameters: both });
    expect(lora.targets).toEqual([]);
    expect(lora.targetParameters).toHaveLength(4);
    const plain = (await model.forward(batch)).logits!;
    using tuned = withAdapters(model, lora);
    expect((await tuned.forward(batch)).logits).toEqual(plain);
    await fill(gpu, lora, 3);
    const filled = (await tuned.forward(batch)).logits!;
    expect(filled.data).not.toEqual(plain.data);
    const target = new MemoryTarget();
    await lora.save(target);
    using again = await loadLora(model, target.source);
    using undone = withAdapters(model, [lora, { adapter: again, weight: -1 }]);
    expectClose((await undone.forward(batch)).logits, plain, 'logits, of both');
    using fine = await loadModel(fixtureSource(name), { gpu });
    using merging = await loadLora(fine, target.source);
    using beside = withAdapters(fine, merging);
    const before = (await fine.forward(batch)).logits!;
    const wanted = (await beside.forward(batch)).logits!;
    await merging.merge();
    expectClose((await fine.forward(batch)).logits, wanted, 'logits, merged');
    await merging.unmerge();
    expect((await fine.forward(batch)).logits).toEqual(before);
    const make = (options: LoraOptions) => (): Lora =>
      new Lora(model, { targetParameters: both, ...options });
    await expectRejection(make({ dropout: 0.1 }), 'OPTION_INVALID', 'dropout and targetParameters');
    await expectRejection(make({ dora: true }), 'OPTION_INVALID', 'dora and targetParameters');
    const near = make({ targetParameters: '*.experts.up_proj' });
    await expectRejection(near, 'OPTION_INVALID', 'targetParameters', 'up_proj"');
    using dense = await loadModel(fixtureSource('llama_gqa'), { gpu });
    const none = (): Lora => new Lora(dense, { targetParameters: both });
    await expectRejection(none, 'OPTION_INVALID', 'The model has no experts.');
    await expectRejection(loadLora(dense, target.source), 'TENSOR_MISSING', 'no experts');
  }));

test('the balance of each batch counts by its labels, in training and in evaluation', () =>
  onGpu(async (gpu) => {
    const name = 'variants/qwen3_moe_balanced';
    const { values } = await readCase(name);
    const batches = [await inputsOf(name), await inputsOf(name, 'nomask')];
    const [masked, whole] = ['main', 'nomask'].map((call) => values.get(`${call}/loss`)!.data[0]!);
    using model = await loadModel(fixtureSource(name), { gpu, training: true });
    const options = { optimizer: sgd(), learningRate: 1e-9, accumulate: 2 };
    using trainer = new Trainer(model, options);
    const { loss: mean, tokens } = await trainer.evaluate(batches);
    // The labels behind the first token: 8 and 5 of the first batch, 10 of the second.
    expect(tokens).toBe(23);
    const wanted = (13 * masked! + 10 * whole!) / 23;
    expect(Math.abs(mean - wanted)).toBeLessThan(2e-5 * wanted);
    for await (const { loss } of trainer.steps(batches)) {
      expect(Math.abs(loss - wanted)).toBeLessThan(2e-5 * wanted);
    }
  }));
