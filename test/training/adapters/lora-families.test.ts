// Low-rank adapters on every family that trains: what they compute beside a model is what the model
// computes once they are merged, and afterwards the weights are as they were, bit for bit.
import { expect, test } from 'vitest';
import { loadModel } from 'webgpu-transformer';
import { loadLora, Lora, Trainer } from 'webgpu-transformer/training';
import { callInputs, expectCall } from '../../support/checkpoint.ts';
import { readCase } from '../../support/expected.ts';
import { readFixture } from '../../support/fixture.ts';
import { sharedGpu } from '../../support/gpu.ts';
import { bitsOf, fill } from '../../support/lora.ts';
import { safetensorsFile, type StoredTensor } from '../../support/safetensors.ts';
import { fixtureFiles, fixtureSource, memorySource, readValues } from '../../support/source.ts';
import { MemoryTarget } from '../../support/training.ts';

const onGpu = sharedGpu();
const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

test.each([
  ['bart', 'labels', ['*.q_proj', '*.fc2'], 'SEQ_2_SEQ_LM'],
  ['bert_tokcls', 'main', ['*.query', '*.intermediate.dense', 'classifier'], 'TOKEN_CLS'],
  ['distilbert_seqcls', 'main', ['*.q_lin', '*.lin2', 'pre_classifier'], 'SEQ_CLS'],
  ['gpt2', 'main', ['*.c_attn', '*.c_fc', '*.c_proj'], 'CAUSAL_LM'],
  ['llama_gqa', 'main', ['*.q_proj', '*.v_proj', '*.up_proj', '*.down_proj'], 'CAUSAL_LM'],
  // Rows of queries and of gates come by turns.
  ['variants/qwen3_5_mild', 'padded', ['*.q_proj', '*.v_proj', '*.in_proj_z'], 'CAUSAL_LM'],
  ['roberta_seqcls', 'main', ['*.value', '*.output.dense'], 'SEQ_CLS'],
  // The rows of what gates stand below those of what is gated, and are read above them.
  ['variants/gte_seqcls', 'main', ['*.qkv_proj', '*.up_gate_proj'], 'SEQ_CLS'],
  ['t5_gated', 'labels', ['*.k', '*.wi_0', 'lm_head'], 'SEQ_2_SEQ_LM'],
])('%s', async (name, call, targets, taskType) => {
  const inputs = callInputs(await readCase(name), call);
  await onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource(name), { gpu });
    using lora = new Lora(model, { rank: 3, alpha: 5, targets });
    await fill(gpu, lora, 5);
    const before = await bitsOf(gpu, model);
    const plain = (await model.forward(inputs)).loss!.data[0]!;
    const trainer = new Trainer(model, { learningRate: 1, adapter: lora });
    const { loss } = await trainer.evaluate([inputs]);
    trainer.dispose();
    expect(Math.abs(loss - plain)).toBeGreaterThan(1e-3 * plain);
    await lora.merge();
    const merged = (await model.forward(inputs)).loss!.data[0]!;
    expect(Math.abs(merged - loss)).toBeLessThan(2e-5 * loss);
    await lora.unmerge();
    expect(await bitsOf(gpu, model)).toEqual(before);
    const target = new MemoryTarget();
    await lora.save(target);
    const config: unknown = JSON.parse(text(target.files['adapter_config.json']));
    expect(config).toMatchObject({ task_type: taskType, fan_in_fan_out: name === 'gpt2' });
  });
});

test('an adapter by PEFT for weights that lie transposed in the file', async () => {
  const gpt2 = await readCase('gpt2');
  const peft = {
    ...gpt2,
    values: readValues(await readFixture('gpt2_lora/expected.safetensors')),
  };
  await onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('gpt2'), { gpu });
    using lora = await loadLora(model, fixtureSource('gpt2_lora'));
    expect([lora.rank, lora.alpha, lora.targets.length]).toEqual([3, 5, 6]);
    await lora.merge();
    expectCall(await model.forward(callInputs(gpt2, 'main')), 'main', peft);
  });
});

test('adapters have the names of the class, whatever a file calls its weights', async () => {
  const gpt2 = await readCase('gpt2');
  const files = await fixtureFiles('gpt2', ['config.json', 'model.safetensors']);
  const tensors: Record<string, StoredTensor> = {};
  for (const [name, { shape, data }] of readValues(files['model.safetensors']!)) {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    tensors[name.replace('transformer.', '')] = { dtype: 'F32', shape, bytes };
  }
  const bare = memorySource({ ...files, 'model.safetensors': safetensorsFile(tensors) });
  const peft = {
    ...gpt2,
    values: readValues(await readFixture('gpt2_lora/expected.safetensors')),
  };
  await onGpu(async (gpu) => {
    using model = await loadModel(bare, { gpu });
    using lora = await loadLora(model, fixtureSource('gpt2_lora'));
    const target = new MemoryTarget();
    await lora.save(target);
    expect(readValues(target.files['adapter_model.safetensors']!)).toEqual(
      readValues(await readFixture('gpt2_lora/adapter_model.safetensors')),
    );
    await lora.merge();
    expectCall(await model.forward(callInputs(gpt2, 'main')), 'main', peft);
  });
  // PEFT calls it decoder.layers.0.encoder_attn.q_proj in a BartModel, whose file may say model.decoder….
  const bart = await fixtureFiles('bart', ['config.json', 'model.safetensors']);
  const config = JSON.parse(text(bart['config.json'])) as object;
  const base = new TextEncoder().encode(
    JSON.stringify({ ...config, architectures: ['BartModel'] }),
  );
  await onGpu(async (gpu) => {
    using model = await loadModel(memorySource({ ...bart, 'config.json': base }), { gpu });
    using lora = new Lora(model, { targets: 'decoder.layers.0.encoder_attn.q_proj' });
    expect(lora.targets).toEqual(['decoder.layers.0.encoder_attn.q_proj']);
  });
});
