// Modules that train whole beside low-rank updates: they begin with what the model has, go to files and back, and are
// merged with the rest.
import { expect, test } from 'vitest';
import { Gpu, loadModel, type Model } from 'webgpu-transformer';
import { loadLora, Lora, Trainer, withAdapters } from 'webgpu-transformer/training';
import { callInputs } from '../../support/checkpoint.ts';
import { expectClose, readCase } from '../../support/expected.ts';
import { lose, sharedGpu, testGpus } from '../../support/gpu.ts';
import { bitsOf, fill } from '../../support/lora.ts';
import { expectRejection } from '../../support/rejection.ts';
import { fixtureSource, memorySource, withFields } from '../../support/source.ts';
import { MemoryTarget, snapshot } from '../../support/training.ts';

const onGpu = sharedGpu();
const [{ options } = { options: {} }] = await testGpus();
const inputs = callInputs(await readCase('bert_seqcls'), 'main');
const targets = ['*.query', '*.value'];
/** A head, a norm and embeddings. */
const modulesToSave = ['classifier', 'bert.encoder.layer.1.output.LayerNorm', '*.word_embeddings'];
const settings = { rank: 2, targets, modulesToSave };

async function train(model: Model, adapter: Lora, steps: number): Promise<Trainer> {
  const trainer = new Trainer(model, { learningRate: 0.01, adapter });
  for await (const { skipped } of trainer.steps(() => inputs, { maxSteps: steps })) {
    expect(skipped).toBe(false);
  }
  return trainer;
}

test.each(['f32', 'f16', 'int8'] as const)('they begin with what the model has in %s', (dtype) =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('bert_seqcls'), { gpu, dtype });
    using lora = new Lora(model, settings);
    expect(lora.modulesToSave).toHaveLength(3);
    using tuned = withAdapters(model, lora);
    const plain = await model.forward(inputs);
    expectClose((await tuned.forward(inputs)).logits, plain.logits!, 'logits');
    (await train(model, lora, 3)).dispose();
    const trained = await tuned.forward(inputs);
    expect(trained.logits!.data).not.toEqual(plain.logits!.data);
    expect(await model.forward(inputs)).toEqual(plain);

    const target = new MemoryTarget();
    await lora.save(target);
    using again = await loadLora(model, target.source);
    expect(again.modulesToSave).toEqual(lora.modulesToSave);
    using same = withAdapters(model, again);
    expect(await same.forward(inputs)).toEqual(trained);
    if (dtype !== 'f32') return;

    const before = await bitsOf(gpu, model);
    await lora.merge();
    expectClose((await model.forward(inputs)).logits, trained.logits!, 'merged logits');
    await expectRejection(again.merge(), 'INPUT_INVALID', 'Another adapter is merged');
    await lora.unmerge();
    expect(await bitsOf(gpu, model)).toEqual(before);
  }),
);

test('a run with them goes on bit for bit', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('bert_seqcls'), { gpu, dtype: 'f16' });
    const run = async (steps: number, from?: MemoryTarget): Promise<[MemoryTarget, unknown]> => {
      using lora = new Lora(model, settings);
      using trainer = new Trainer(model, { learningRate: 0.01, adapter: lora });
      if (from) await trainer.restore(from.source);
      for await (const _ of trainer.steps(() => inputs, { maxSteps: steps }));
      const target = new MemoryTarget();
      await trainer.save(target);
      return [target, await snapshot(trainer)];
    };
    const [half] = await run(2);
    expect((await run(4, half))[1]).toEqual((await run(4))[1]);
    const [begun] = await run(0);
    using lora = await loadLora(model, begun.source);
    using tuned = withAdapters(model, lora);
    expectClose((await tuned.forward(inputs)).logits, (await model.forward(inputs)).logits!, 'new');
  }));

test('they begin anew on a device that came back', async () => {
  using gpu = await Gpu.request({ ...options, recover: true });
  using model = await loadModel(fixtureSource('bert_seqcls'), { gpu });
  using lora = new Lora(model, settings);
  using trainer = await train(model, lora, 2);
  const wanted = await snapshot(trainer);
  await lose(gpu);
  for await (const _ of trainer.steps(() => inputs, { maxSteps: 2 }));
  expect(await snapshot(trainer)).toEqual(wanted);
});

test('what cannot train whole is refused', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('bert_seqcls'), { gpu });
    const refusal = (targeted: string[], name: string) => () =>
      new Lora(model, { targets: targeted, modulesToSave: name });
    await expectRejection(
      refusal(targets, 'classifer'),
      'OPTION_INVALID',
      'Did you mean "classifier"?',
    );
    const fused = 'bert.encoder.layer.0.attention.self.query';
    await expectRejection(
      refusal(['*.layer.1.*.value'], fused),
      'MODEL_UNSUPPORTED',
      'attention.self.key.weight',
    );
    await expectRejection(
      refusal(['classifier'], 'classifier'),
      'OPTION_INVALID',
      'among targets and in modulesToSave',
    );
    using tied = await loadModel(fixtureSource('bert_mlm'), { gpu });
    await expectRejection(
      () => new Lora(tied, { targets, modulesToSave: '*.word_embeddings' }),
      'MODEL_UNSUPPORTED',
      'both an embedding and an output layer',
    );
    using one = new Lora(model, settings);
    using two = new Lora(model, settings);
    await expectRejection(() => withAdapters(model, [one, two]), 'OPTION_INVALID', 'modulesToSave');
  }));

test('files of other modules are refused', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('bert_seqcls'), { gpu });
    using lora = new Lora(model, { targets, modulesToSave: 'classifier' });
    await fill(gpu, lora, 3);
    const target = new MemoryTarget();
    await lora.save(target);
    const loaded = (fields: object, of = model): Promise<unknown> => {
      const config = withFields(target.files['adapter_config.json'], { ...fields });
      return loadLora(of, memorySource({ ...target.files, 'adapter_config.json': config }));
    };
    await expectRejection(loaded({ modules_to_save: null }), 'FILE_INVALID', 'classifier.bias');
    await expectRejection(loaded({ modules_to_save: 'all' }), 'CONFIG_INVALID', 'modules_to_save');
    using base = await loadModel(fixtureSource('bert_tokcls'), { gpu });
    await expectRejection(loaded({}, base), 'TENSOR_MISMATCH', 'classifier');
    using other = await loadModel(fixtureSource('bert_mlm'), { gpu });
    await expectRejection(loaded({}, other), 'TENSOR_MISSING', '"classifier" of its own');
  }));
