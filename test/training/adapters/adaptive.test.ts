// Adapters whose ranks are shared (AdaLoRA): what is left is what PEFT leaves, goes through files, and is taken up again.
import { expect, test } from 'vitest';
import { type Gpu, loadModel } from 'webgpu-transformer';
import {
  type AdaptiveOptions,
  loadLora,
  Lora,
  type LoraOptions,
  Trainer,
  withAdapters,
} from 'webgpu-transformer/training';
import { callInputs } from '../../support/checkpoint.ts';
import { expectClose, readCase } from '../../support/expected.ts';
import { readFixtureJson } from '../../support/fixture.ts';
import { sharedGpu } from '../../support/gpu.ts';
import { bitsOf, fill } from '../../support/lora.ts';
import { expectRejection } from '../../support/rejection.ts';
import { fixtureSource, memorySource, withFields } from '../../support/source.ts';
import { MemoryTarget, snapshot } from '../../support/training.ts';

const onGpu = sharedGpu();
const folder = 'trajectories/llama_adalora';
const inputs = callInputs(await readCase('llama_gqa'), 'main');
const adaptive = { totalSteps: 8, targetRank: 1, initialSteps: 2, finalSteps: 3, interval: 1 };
const options: LoraOptions = { rank: 3, targets: ['*.q_proj', '*.v_proj'], adaptive };

const configOf = (target: MemoryTarget): Record<string, unknown> =>
  JSON.parse(new TextDecoder().decode(target.files['adapter_config.json'])) as Record<
    string,
    unknown
  >;

/** How many ranks a configuration leaves. */
function rankCount(target: MemoryTarget): number | undefined {
  const { rank_pattern: pattern } = configOf(target) as {
    rank_pattern: Record<string, boolean[]> | null;
  };
  return pattern === null ? undefined : Object.values(pattern).flat().filter(Boolean).length;
}

test('after each step as many ranks are left as PEFT leaves, and in the end the same ones', () =>
  onGpu(async (gpu) => {
    const expected = (await readFixtureJson(`${folder}/expected.json`)) as {
      kept: (number | null)[];
      rank_pattern: object;
    };
    const rows = [...(inputs.labels as unknown[]).keys()];
    const batches = [undefined, ...rows].map((row) =>
      Object.fromEntries(
        Object.entries(inputs).map(([name, value]) => [
          name,
          (value as unknown[]).filter((_, i) => i !== row),
        ]),
      ),
    );
    using model = await loadModel(fixtureSource('llama_gqa'), { gpu });
    using lora = await loadLora(model, fixtureSource(folder));
    using trainer = new Trainer(model, {
      learningRate: 3e-3,
      maxGradNorm: 1,
      decay: 'all',
      dropout: false,
      adapter: lora,
    });
    const found: (number | null)[] = [];
    const target = new MemoryTarget();
    const steps = trainer.steps((i) => batches[i % batches.length], { maxSteps: 20 });
    for await (const { skipped } of steps) {
      expect(skipped).toBe(false);
      await lora.save(target);
      found.push(rankCount(target) ?? null);
    }
    expect(found).toEqual(expected.kept);
    expect(configOf(target)).toMatchObject({
      peft_type: 'ADALORA',
      init_r: 5,
      target_r: 2,
      tinit: 3,
      tfinal: 6,
      deltaT: 2,
      orth_reg_weight: 0.3,
      total_step: 20,
      rank_pattern: expected.rank_pattern,
    });
  }));

/** An adapter that has given ranks up, and what it was saved as. */
async function trained(gpu: Gpu, work: (lora: Lora, target: MemoryTarget) => Promise<void>) {
  using model = await loadModel(fixtureSource('llama_gqa'), { gpu });
  using lora = new Lora(model, options);
  using trainer = new Trainer(model, { learningRate: 0.05, adapter: lora });
  for await (const { skipped } of trainer.steps(() => inputs, { maxSteps: 8 })) {
    expect(skipped).toBe(false);
  }
  const target = new MemoryTarget();
  await lora.save(target);
  await work(lora, target);
  using tuned = withAdapters(model, lora);
  const wanted = await tuned.forward(inputs);
  using again = await loadLora(model, target.source);
  using same = withAdapters(model, again);
  expect(await same.forward(inputs)).toEqual(wanted);
  const second = new MemoryTarget();
  await again.save(second);
  expect(second.files).toEqual(target.files);
  const before = await bitsOf(gpu, model);
  await again.merge();
  expectClose((await model.forward(inputs)).logits, wanted.logits!, 'logits, merged');
  await again.unmerge();
  expect(await bitsOf(gpu, model)).toEqual(before);
}

test('it learns with fewer ranks, and what is left goes through files and into weights', () =>
  onGpu((gpu) =>
    trained(gpu, async (lora, target) => {
      expect(rankCount(target)).toBe(lora.targets.length);
      expect([lora.rank, lora.targets.length]).toEqual([3, 4]);
      await Promise.resolve();
    }),
  ));

test('a new one changes nothing, and runs go on bit for bit before and after ranks are shared', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('llama_gqa'), { gpu });
    const plain = (await model.forward(inputs)).loss!.data[0]!;
    const run = async (steps: number, from?: MemoryTarget) => {
      using lora = new Lora(model, options);
      using trainer = new Trainer(model, { learningRate: 0.02, adapter: lora });
      expect((await trainer.evaluate([inputs])).loss).toBeCloseTo(plain, 5);
      if (from) await trainer.restore(from.source);
      for await (const _ of trainer.steps(() => inputs, { maxSteps: steps })) void _;
      const target = new MemoryTarget();
      await trainer.save(target);
      return { target, state: await snapshot(trainer), files: target.files };
    };
    const whole = await run(8);
    for (const half of [2, 4, 7]) {
      const { state, files } = await run(8, (await run(half)).target);
      expect(state).toEqual(whole.state);
      expect(files).toEqual(whole.files);
    }
  }));

test('what does not go together is refused', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('llama_gqa'), { gpu });
    const refused = (given: LoraOptions, ...words: string[]): Promise<void> =>
      expectRejection(() => new Lora(model, given), 'OPTION_INVALID', ...words);
    const shared = (given: Partial<AdaptiveOptions>): LoraOptions => ({
      rank: 4,
      adaptive: { ...adaptive, ...given },
    });
    await refused({ adaptive: {} as AdaptiveOptions }, 'no totalSteps');
    const number = { adaptive: 8 as unknown as AdaptiveOptions };
    await expectRejection(() => new Lora(model, number), 'INPUT_INVALID', 'adaptive');
    await refused(shared({ targetRank: 5 }), 'targetRank', 'at most the rank, 4');
    await refused(shared({ interval: 0 }), 'adaptive.interval');
    await refused(shared({ beta1: 1 }), 'adaptive.beta1');
    await refused(shared({ beta2: 2 }), 'adaptive.beta2');
    await refused(shared({ orthogonality: -1 }), 'adaptive.orthogonality');
    await refused(shared({ initialSteps: 5 }), 'initialSteps');
    await refused({ adaptive, dora: true }, 'dora and adaptive');
    await refused({ adaptive, rsLora: true }, 'rsLora and adaptive');
    await refused({ adaptive, rankPattern: { '*': 3 } }, 'rankPattern and adaptive');
    await refused({ adaptive, targets: '*.embed_tokens' }, 'is an embedding');
    const unknown = { ...adaptive, total: 3 } as AdaptiveOptions;
    await expectRejection(() => new Lora(model, { adaptive: unknown }), 'OPTION_UNKNOWN', 'total');

    using lora = new Lora(model, options);
    await fill(gpu, lora, 4);
    const target = new MemoryTarget();
    await lora.save(target);
    const loaded = (fields: object): Promise<unknown> => {
      const config = withFields(target.files['adapter_config.json'], { ...fields });
      return loadLora(model, memorySource({ ...target.files, 'adapter_config.json': config }));
    };
    await expectRejection(loaded({ total_step: null }), 'CONFIG_INVALID', 'totalSteps');
    await expectRejection(loaded({ init_r: 0 }), 'CONFIG_INVALID', 'init_r');
    await expectRejection(loaded({ init_r: 4 }), 'TENSOR_MISMATCH', 'rank 4');
    await expectRejection(
      loaded({ rank_pattern: { a: [true] } }),
      'CONFIG_INVALID',
      'rank_pattern',
    );
    await expectRejection(loaded({ rank_pattern: 3 }), 'CONFIG_INVALID', 'rank_pattern');
    await expectRejection(loaded({ peft_type: 'LORA' }), 'MODEL_UNSUPPORTED', 'init_r');
    await expectRejection(loaded({ peft_type: 'IA3' }), 'MODEL_UNSUPPORTED', '"ADALORA"');

    using gated = await loadModel(fixtureSource('variants/qwen3_5_mild'), { gpu });
    const apart = (): Lora => new Lora(gated, { adaptive, targets: '*.q_proj' });
    await expectRejection(apart, 'OPTION_INVALID', 'rows that stand apart');
  }));
