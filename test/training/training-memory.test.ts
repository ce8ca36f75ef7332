// The bytes that a step takes, told before it takes any: those that the trainer then takes, and what they come to for a
// language model of 135 million parameters.
import { expect, test } from 'vitest';
import { Gpu, loadModel } from 'webgpu-transformer';
import { adamW, Lora, sgd, Trainer, trainingMemory } from 'webgpu-transformer/training';
import type { TrainerOptions } from 'webgpu-transformer/training';
import { Exhaustion } from '../support/exhausted.ts';
import { withGpu } from '../support/gpu.ts';
import { playedLists } from '../support/lists.ts';
import { expectRejection } from '../support/rejection.ts';
import { tinyBatch, tinyModel, trainTo } from '../support/training.ts';
import { zeroCheckpoint } from '../support/zero-checkpoint.ts';

/** Counters and settings; those of inputs and of the scalars of dispatches, 256 bytes each, are not counted either. */
const small = 4096;

test.each<[string, Partial<TrainerOptions>]>([
  ['as it is', {}],
  ['checkpointed', { checkpointLayers: true }],
  ['in f16', { activations: 'f16' }],
  ['sums of gradients', { accumulate: 2, optimizer: adamW({ amsgrad: true }) }],
  ['no state', { optimizer: sgd(), freeze: ['model.encoder.*'], dropout: false }],
])('what a trainer takes: %s', (_, more) =>
  withGpu({}, async (gpu) => {
    using model = await tinyModel(gpu);
    const held = gpu.memory.bytes;
    const options = { learningRate: 0.1, ...more };
    const told = trainingMemory(model, options, tinyBatch(0, 40));
    expect(gpu.memory.bytes).toBe(held);
    expect(told.weights).toBe(held);
    const { weights, gradients, optimizer, activations, total } = told;
    expect(total).toBe(weights + gradients + optimizer + activations);
    using trainer = new Trainer(model, options);
    const begun = gpu.memory.bytes;
    expect(begun - held - gradients - optimizer).toBeGreaterThanOrEqual(0);
    expect(begun - held - gradients - optimizer).toBeLessThan(small);
    const lists = await playedLists(() => trainTo(trainer, 1, () => tinyBatch(0, 40)));
    const dispatches = lists.reduce((sum, list) => sum + list.recording.dispatches.length, 0);
    const rest = gpu.memory.bytes - begun - activations;
    expect(rest).toBeGreaterThanOrEqual(0);
    expect(rest).toBeLessThan(2 ** 16 + 256 * dispatches);
  }),
);

test('where there is no room for a step, the error says what takes less', async () => {
  using gpu = await Gpu.request();
  const device = new Exhaustion(gpu);
  using model = await tinyModel(gpu);
  using trainer = new Trainer(model, { learningRate: 0.1 });
  await trainTo(trainer, 1);
  device.refuse(0);
  const longer = trainTo(trainer, 2, () => tinyBatch(0, 9));
  await expectRejection(longer, 'OUT_OF_MEMORY', 'training step', 'checkpointLayers', 'Lora');
});

/** config.json of SmolLM2-135M. */
const config = {
  model_type: 'llama',
  architectures: ['LlamaForCausalLM'],
  vocab_size: 49_152,
  hidden_size: 576,
  num_hidden_layers: 30,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  intermediate_size: 1536,
  max_position_embeddings: 8192,
  rope_theta: 100_000,
  rms_norm_eps: 1e-5,
  hidden_act: 'silu',
  tie_word_embeddings: true,
};

function shapes(): Record<string, readonly number[]> {
  const { hidden_size: size, intermediate_size: inner, vocab_size: vocabulary } = config;
  const keys = (size / config.num_attention_heads) * config.num_key_value_heads;
  const layer: Readonly<Record<string, readonly number[]>> = {
    'input_layernorm.weight': [size],
    'post_attention_layernorm.weight': [size],
    'self_attn.q_proj.weight': [size, size],
    'self_attn.k_proj.weight': [keys, size],
    'self_attn.v_proj.weight': [keys, size],
    'self_attn.o_proj.weight': [size, size],
    'mlp.gate_proj.weight': [inner, size],
    'mlp.up_proj.weight': [inner, size],
    'mlp.down_proj.weight': [size, inner],
  };
  const layers = Array.from({ length: config.num_hidden_layers }, (_, i) =>
    Object.entries(layer).map(([name, shape]) => [`model.layers.${i}.${name}`, shape] as const),
  );
  return {
    'model.embed_tokens.weight': [vocabulary, size],
    'model.norm.weight': [size],
    ...Object.fromEntries(layers.flat()),
  };
}

test('135 million parameters with adapters on all layers, 512 tokens: less than 1 GB beside the f16 base', () =>
  withGpu({}, async (gpu) => {
    using model = await loadModel(zeroCheckpoint(config, shapes(), 'F16'), { gpu, dtype: 'f16' });
    const names = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'].map((name) => `*.${name}_proj`);
    using adapter = new Lora(model, { rank: 16, targets: names });
    const ids = Array.from({ length: 512 }, (_, i) => i);
    const batch = { inputIds: [ids], labels: [ids] };
    const beside = (options: Partial<TrainerOptions>): number => {
      const { total } = trainingMemory(model, { learningRate: 1e-4, adapter, ...options }, batch);
      return total - 2 * 134_515_008;
    };
    const [plain, inHalves] = [beside({}), beside({ activations: 'f16' })];
    expect(plain).toBeLessThan(1e9);
    expect(inHalves).toBeLessThan(0.65 * plain);
    expect(beside({ checkpointLayers: true })).toBeLessThan(0.25e9);
  }));
