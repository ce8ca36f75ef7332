// Small models of each kind of stack, to train.

import type { ModelInputs } from 'webgpu-transformer';
import type { JsonObject } from '../../src/source/json.ts';
import { Random } from './random.ts';
import { tinyBatch, tinyConfig } from './training.ts';

/** Of vectors, sequences and batches. */
export const size = 32;
export const length = 16;
export const batchSize = 2;

/** config.json of models of so many layers, small, with dropout. */
export const stacks: Readonly<Record<string, (layers: number) => JsonObject>> = {
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

/** Batch number `index` of an endless run. */
export function batchOf(kind: string, index: number): ModelInputs {
  if (kind === 'pair' || kind === 'relative') return tinyBatch(index);
  const random = new Random(90 + index);
  const inputIds = Array.from({ length: batchSize }, () => [...random.indices(length, 19)]);
  return { inputIds, labels: inputIds };
}
