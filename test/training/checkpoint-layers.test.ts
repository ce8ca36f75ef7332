// Layers that are computed once more on the way back: the same losses and parameters to the last bit, dropout included,
// and one tensor a layer that stays.
import { expect, test } from 'vitest';
import { type Gpu, loadModel, type ModelInputs } from 'webgpu-transformer';
import { initialCheckpoint, Lora, Trainer } from 'webgpu-transformer/training';
import { transientBytes } from '../../src/runtime/memory-plan.ts';
import type { JsonObject } from '../../src/source/json.ts';
import { withGpu } from '../support/gpu.ts';
import { playedLists } from '../support/lists.ts';
import { Random } from '../support/random.ts';
import { snapshot, type Snapshot, tinyBatch, tinyConfig } from '../support/training.ts';

const [size, length, batchSize] = [32, 16, 2];

const stacks: Readonly<Record<string, (layers: number) => JsonObject>> = {
  encoder: (layers) => ({
    model_type: 'bert',
    architectures: ['BertForMaskedLM'],
    vocab_size: 19,
    hidden_size: size,
    num_hidden_layers: layers,
    num_attention_heads: 2,
    intermediate_size: 2 * size,
    max_position_embeddings: length,
    hidden_dropout_prob: 0.2,
    attention_probs_dropout_prob: 0.1,
  }),
  decoder: (layers) => ({
    model_type: 'llama',
    vocab_size: 19,
    hidden_size: size,
    num_hidden_layers: layers,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    intermediate_size: 2 * size,
    max_position_embeddings: length,
    attention_dropout: 0.3,
    tie_word_embeddings: true,
  }),
  // What routers say is read once more behind the layers.
  experts: (layers) => ({
    model_type: 'qwen3_moe',
    architectures: ['Qwen3MoeForCausalLM'],
    vocab_size: 19,
    hidden_size: size,
    num_hidden_layers: layers,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    intermediate_size: size,
    moe_intermediate_size: size,
    num_experts: 3,
    num_experts_per_tok: 2,
    max_position_embeddings: length,
    output_router_logits: true,
    router_aux_loss_coef: 0.2,
  }),
  // Layers that are dropped whole.
  pair: (layers) => ({
    ...tinyConfig,
    encoder_layers: layers,
    decoder_layers: layers,
    encoder_layerdrop: 0.5,
    decoder_layerdrop: 0.3,
  }),
  // A bias by distance that the first layer has for all.
  relative: (layers) => ({
    model_type: 't5',
    vocab_size: 19,
    d_model: size,
    d_kv: 8,
    d_ff: size,
    num_layers: layers,
    num_heads: 2,
    decoder_start_token_id: 0,
    pad_token_id: 0,
    dropout_rate: 0.2,
  }),
};

function batchOf(kind: string, index: number): ModelInputs {
  if (kind === 'pair' || kind === 'relative') return tinyBatch(index);
  const random = new Random(90 + index);
  const inputIds = Array.from({ length: batchSize }, () => [...random.indices(length, 19)]);
  return { inputIds, labels: inputIds };
}

interface Run extends Snapshot {
  readonly losses: readonly number[];
  /** Of the list of gradients. */
  readonly bytes: number;
}

async function run(
  gpu: Gpu,
  kind: string,
  layers: number,
  { checkpointLayers, lora = false }: { checkpointLayers: boolean; lora?: boolean },
): Promise<Run> {
  const source = initialCheckpoint(stacks[kind]!(layers), { seed: 3 });
  using model = await loadModel(source, { gpu, ...(lora ? { dtype: 'f16' } : { training: true }) });
  using adapter = lora ? new Lora(model, { rank: 3, dropout: 0.2 }) : undefined;
  using trainer = new Trainer(model, {
    learningRate: 0.01,
    seed: 7,
    checkpointLayers,
    ...(adapter && { adapter }),
  });
  const losses: number[] = [];
  const lists = await playedLists(async () => {
    const batches = (index: number) => batchOf(kind, index);
    for await (const { loss } of trainer.steps(batches, { maxSteps: 3 })) losses.push(loss);
  });
  const bytes = Math.max(...lists.map(({ recording }) => transientBytes(recording, [])));
  return { ...(await snapshot(trainer)), losses, bytes };
}

test.each([
  ['encoder', false],
  ['decoder', false],
  ['experts', false],
  ['pair', false],
  ['relative', false],
  ['decoder', true],
])('%s, adapters %s: the same bits from less memory', (kind, lora) =>
  withGpu({}, async (gpu) => {
    const { bytes: most, ...wanted } = await run(gpu, kind, 3, { checkpointLayers: false, lora });
    const { bytes, ...got } = await run(gpu, kind, 3, { checkpointLayers: true, lora });
    expect(got).toEqual(wanted);
    expect(new Set(got.losses).size).toBe(3);
    expect(bytes).toBeLessThan(most);
  }),
);

test('a layer more takes the memory of what it is given', () =>
  withGpu({}, async (gpu) => {
    const each = async (kind: string, checkpointLayers: boolean): Promise<number> => {
      const few = await run(gpu, kind, 4, { checkpointLayers });
      const many = await run(gpu, kind, 8, { checkpointLayers });
      return (many.bytes - few.bytes) / 4;
    };
    const given = batchSize * length * size * 4;
    for (const kind of ['encoder', 'decoder']) {
      expect(await each(kind, true)).toBe(given);
      expect(await each(kind, false)).toBeGreaterThan(8 * given);
    }
  }));
