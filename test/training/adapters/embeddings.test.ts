// Low-rank updates of embeddings: PEFT's names and shapes, tables in any format, and what they leave alone.
import { expect, test } from 'vitest';
import { loadModel } from 'webgpu-transformer';
import { loadLora, Lora, Trainer, withAdapters } from 'webgpu-transformer/training';
import { callInputs } from '../../support/checkpoint.ts';
import { expectClose, readCase } from '../../support/expected.ts';
import { sharedGpu } from '../../support/gpu.ts';
import { bitsOf, fill } from '../../support/lora.ts';
import { expectRejection } from '../../support/rejection.ts';
import { fixtureSource, readValues } from '../../support/source.ts';
import { MemoryTarget } from '../../support/training.ts';

const onGpu = sharedGpu();

test('it begins as the model is, goes through files, and is merged into the same numbers', () =>
  onGpu(async (gpu) => {
    const inputs = callInputs(await readCase('llama_gqa'), 'main');
    using model = await loadModel(fixtureSource('llama_gqa'), { gpu });
    using lora = new Lora(model, { rank: 2, alpha: 3, targets: ['*.embed_tokens', '*.v_proj'] });
    using tuned = withAdapters(model, lora);
    const plain = await model.forward(inputs);
    expectClose((await tuned.forward(inputs)).logits, plain.logits!, 'logits, new');
    await fill(gpu, lora, 9);
    const filled = await tuned.forward(inputs);
    expect(filled.logits!.data).not.toEqual(plain.logits!.data);

    const target = new MemoryTarget();
    await lora.save(target);
    const name = 'base_model.model.model.embed_tokens.lora_embedding_';
    const stored = readValues(target.files['adapter_model.safetensors']!);
    expect([stored.get(`${name}A`)!.shape, stored.get(`${name}B`)!.shape]).toEqual([
      [2, 120],
      [48, 2],
    ]);
    using again = await loadLora(model, target.source);
    using same = withAdapters(model, again);
    expect(await same.forward(inputs)).toEqual(filled);
    using both = withAdapters(model, [lora, { adapter: again, weight: -1 }]);
    expectClose((await both.forward(inputs)).logits, plain.logits!, 'logits, of both');

    const before = await bitsOf(gpu, model);
    await lora.merge();
    expectClose((await model.forward(inputs)).logits, filled.logits!, 'logits, merged');
    await lora.unmerge();
    expect(await bitsOf(gpu, model)).toEqual(before);
  }));

test.each(['f16', 'int8'] as const)('over %s it learns', (dtype) =>
  onGpu(async (gpu) => {
    const inputs = callInputs(await readCase('llama_gqa'), 'main');
    using model = await loadModel(fixtureSource('llama_gqa'), { gpu, dtype });
    using lora = new Lora(model, { rank: 2, targets: '*.embed_tokens' });
    using trainer = new Trainer(model, { learningRate: 0.1, adapter: lora });
    const found: number[] = [];
    for await (const { loss } of trainer.steps(() => inputs, { maxSteps: 5 })) found.push(loss);
    expect(found.at(-1)!).toBeLessThan(0.9 * found[0]!);
  }),
);

test.each([
  ['gpt2', 'transformer.wte'],
  ['gpt2_legacy_names', 'transformer.wte'],
  ['variants/deberta_mlm', 'deberta.embeddings.word_embeddings'],
])('of %s it is called %s, and what is the output layer, too, is not merged', (name, wanted) =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource(name), { gpu });
    using lora = new Lora(model, { targets: /(wte|word_embeddings)$/ });
    expect(lora.targets).toEqual([wanted]);
    const before = await bitsOf(gpu, model);
    await expectRejection(lora.merge(), 'MODEL_UNSUPPORTED', wanted, 'withAdapters');
    expect(await bitsOf(gpu, model)).toEqual(before);
  }),
);

test('what is no embedding of one stack is refused', () =>
  onGpu(async (gpu) => {
    using pair = await loadModel(fixtureSource('t5_relu'), { gpu });
    const make = (targets: string, dora: boolean = false) => new Lora(pair, { targets, dora });
    await expectRejection(() => make('shared'), 'OPTION_INVALID', 'an embedding of several stacks');
    using bert = await loadModel(fixtureSource('bert_seqcls'), { gpu });
    const places = (): Lora => new Lora(bert, { targets: '*.position_embeddings' });
    await expectRejection(places, 'OPTION_INVALID', 'no matrix');
    const words = (): Lora => new Lora(bert, { targets: '*.word_embeddings', dora: true });
    await expectRejection(words, 'OPTION_INVALID', 'dora');
  }));
