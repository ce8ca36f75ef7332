// Adapters with magnitudes (DoRA): they begin as the model is, over any format, beside biases and residuals, and are
// merged into the same numbers.
import { expect, test } from 'vitest';
import { loadModel } from 'webgpu-transformer';
import { loadLora, Lora, Trainer, withAdapters } from 'webgpu-transformer/training';
import { callInputs } from '../../support/checkpoint.ts';
import { expectClose, readCase } from '../../support/expected.ts';
import { sharedGpu } from '../../support/gpu.ts';
import { bitsOf, fill } from '../../support/lora.ts';
import { expectRejection } from '../../support/rejection.ts';
import { fixtureSource, memorySource, withFields } from '../../support/source.ts';
import { MemoryTarget, snapshot } from '../../support/training.ts';

const onGpu = sharedGpu();
const cases = [
  // Queries and values stand in one weight with keys, and have biases; outputs have residuals.
  ['bert_tokcls', 'main', ['*.query', '*.value', '*.output.dense', '*.intermediate.dense']],
  ['llama_gqa', 'main', ['*.q_proj', '*.up_proj', '*.down_proj', 'lm_head']],
  // Rows of queries and of gates come by turns.
  ['variants/qwen3_5_mild', 'padded', ['*.q_proj', '*.v_proj']],
] as const;

test.each(cases)('%s', (name, call, targets) =>
  onGpu(async (gpu) => {
    const inputs = callInputs(await readCase(name), call);
    using model = await loadModel(fixtureSource(name), { gpu });
    using lora = new Lora(model, { rank: 2, targets, dora: true });
    using tuned = withAdapters(model, lora);
    const plain = await model.forward(inputs);
    expectClose((await tuned.forward(inputs)).logits, plain.logits!, 'logits, new');
    await fill(gpu, lora, 9);
    const filled = await tuned.forward(inputs);
    expect(filled.logits!.data).not.toEqual(plain.logits!.data);

    const target = new MemoryTarget();
    await lora.save(target);
    using again = await loadLora(model, target.source);
    using same = withAdapters(model, again);
    expect(await same.forward(inputs)).toEqual(filled);

    const before = await bitsOf(gpu, model);
    await lora.merge();
    expectClose((await model.forward(inputs)).logits, filled.logits!, 'logits, merged');
    await lora.unmerge();
    expect(await bitsOf(gpu, model)).toEqual(before);
  }),
);

test.each(['f16', 'int8', 'int4'] as const)(
  'over %s they begin as the model is, and learn',
  (dtype) =>
    onGpu(async (gpu) => {
      const inputs = callInputs(await readCase('llama_gqa'), 'main');
      using model = await loadModel(fixtureSource('llama_gqa'), { gpu, dtype });
      using lora = new Lora(model, { rank: 2, dora: true, targets: ['*.q_proj', '*.down_proj'] });
      using tuned = withAdapters(model, lora);
      const plain = await model.forward(inputs);
      expectClose((await tuned.forward(inputs)).logits, plain.logits!, 'logits');
      using trainer = new Trainer(model, { learningRate: 0.02, adapter: lora });
      const found: number[] = [];
      for await (const { loss } of trainer.steps(() => inputs, { maxSteps: 5 })) found.push(loss);
      expect(found.at(-1)!).toBeLessThan(0.9 * found[0]!);
    }),
);

test('runs with dropout go on bit for bit', () =>
  onGpu(async (gpu) => {
    const inputs = callInputs(await readCase('bert_tokcls'), 'main');
    using model = await loadModel(fixtureSource('bert_tokcls'), { gpu });
    const run = async (steps: number, from?: MemoryTarget) => {
      const settings = { rank: 2, dora: true, dropout: 0.4, targets: ['*.query', '*.value'] };
      using lora = new Lora(model, settings);
      using trainer = new Trainer(model, { learningRate: 0.02, adapter: lora });
      const { loss: kept } = await trainer.evaluate([inputs]);
      if (from) await trainer.restore(from.source);
      let first = NaN;
      for await (const { step, loss } of trainer.steps(() => inputs, { maxSteps: steps })) {
        if (step === 1) first = loss;
      }
      const target = new MemoryTarget();
      await trainer.save(target);
      return { target, kept, first, state: await snapshot(trainer) };
    };
    const half = await run(2);
    // At first rows have the lengths that they had, so nothing is added, whatever is dropped.
    expect(Math.abs(half.first - half.kept)).toBeLessThan(1e-5);
    const whole = await run(4);
    expect((await run(4, half.target)).state).toEqual(whole.state);
    expect(whole.state).not.toEqual(half.state);
  }));

test('what does not go together is refused', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('llama_gqa'), { gpu });
    using lora = new Lora(model, { rank: 2, dora: true });
    using other = new Lora(model, { rank: 2 });
    using apart = new Lora(model, { rank: 2, targets: ['*.o_proj'] });
    for (const both of [[lora, other], [other, lora], [{ adapter: lora, weight: 0.5 }]]) {
      const inputs = callInputs(await readCase('llama_gqa'), 'nomask');
      const call = (): unknown => withAdapters(model, both).forward(inputs);
      await expectRejection(async () => call(), 'OPTION_INVALID', 'dora');
    }
    withAdapters(model, [lora, apart]).dispose();

    const target = new MemoryTarget();
    await lora.save(target);
    const config = withFields(target.files['adapter_config.json'], { use_dora: false });
    const source = memorySource({ ...target.files, 'adapter_config.json': config });
    await expectRejection(loadLora(model, source), 'MODEL_UNSUPPORTED', 'lora_magnitude_vector');
    await expectRejection(
      () => new Lora(model, { dora: 1 as unknown as boolean }),
      'OPTION_INVALID',
      'dora',
    );
  }));
