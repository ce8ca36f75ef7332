// config.json and generation_config.json, from the metadata of a GGUF file.

import type { JsonObject } from '../json.ts';
import { type About, architectureOf } from './architectures.ts';
import type { GgufHeader } from './header.ts';
import { blockTypes } from './types.ts';

/** Keys that change what a model computes, beyond what Hugging Face's classes of its kind do. */
const decisive = [
  'attention.clamp_kqv',
  'attention.max_alibi_bias',
  'attention.scale',
  'embedding_scale',
  'logit_scale',
  'residual_scale',
  'rope.scaling.attn_factor',
  'use_parallel_residual',
];

/**
 * What config.json would say. `rotary`: what divides the frequencies of positions, where the file has that.
 * @throws TransformerError MODEL_UNSUPPORTED, FILE_INVALID
 */
export function configOf(header: GgufHeader, rotary: readonly number[] | undefined): JsonObject {
  const { metadata, tensors } = header;
  const architecture = architectureOf(header);
  const prefix = String(metadata.text('general.architecture'));
  const number = (key: string): number | undefined => metadata.number(`${prefix}.${key}`);
  const need = (key: string): number => metadata.need(`${prefix}.${key}`, number(key));
  for (const key of decisive) {
    const value = metadata.get(`${prefix}.${key}`);
    if (value === undefined || value === false || value === (key.endsWith('factor') ? 1 : 0))
      continue;
    throw metadata.unsupported(`${prefix}.${key}`, 'nothing, as this is not supported yet');
  }
  if ((metadata.number('split.count') ?? 1) > 1) {
    throw metadata.unsupported('split.count', '1: models in several files are not supported yet');
  }
  const names = new Set(tensors.map(({ name }) => name));
  const [size, heads] = [need('embedding_length'), need('attention.head_count')];
  const headSize = number('attention.key_length') ?? size / heads;
  if ((number('attention.value_length') ?? headSize) !== headSize) {
    throw metadata.unsupported(`${prefix}.attention.value_length`, `${headSize}, as keys have`);
  }
  const layers = need('block_count');
  const about: About = {
    metadata,
    number,
    size,
    heads,
    headSize,
    layers,
    has: (tensor) => names.has(tensor),
  };
  const embedding = tensors.find(({ name }) => name === 'token_embd.weight');
  const rotating = number('rope.dimension_count') ?? headSize;
  const experts = number('expert_count') ?? 0;
  return {
    architectures: [architecture.className],
    model_type: architecture.modelType,
    vocab_size: embedding?.shape[0] ?? number('vocab_size'),
    hidden_size: size,
    intermediate_size: need('feed_forward_length'),
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: number('attention.head_count_kv') ?? heads,
    head_dim: headSize,
    max_position_embeddings: need('context_length'),
    rms_norm_eps: need('attention.layer_norm_rms_epsilon'),
    rope_theta: number('rope.freq_base') ?? 10_000,
    ...(rotating !== headSize && { partial_rotary_factor: rotating / headSize }),
    ...ropeScaling(header, prefix, rotary),
    tie_word_embeddings: !names.has('output.weight'),
    ...(experts > 0 && { num_local_experts: experts }),
    ...architecture.config?.(about),
    ...tokenIds(header),
    // What the weights are in stands with each of them.
    ...(tensors.some(({ type }) => type in blockTypes) && {
      quantization_config: { quant_method: 'gguf' },
    }),
  };
}

/** How positions are stretched. */
function ropeScaling(
  { metadata }: GgufHeader,
  prefix: string,
  rotary: readonly number[] | undefined,
): JsonObject {
  const original = metadata.number(`${prefix}.context_length`);
  // A factor for each frequency, whatever they were computed from.
  if (rotary !== undefined) {
    const factors = { short_factor: rotary, long_factor: rotary };
    const rope = { rope_type: 'longrope', ...factors, attention_factor: 1 };
    return { rope_scaling: { ...rope, original_max_position_embeddings: original } };
  }
  const key = `${prefix}.rope.scaling.type`;
  const older = metadata.number(`${prefix}.rope.scale_linear`);
  const type = metadata.text(key) ?? (older === undefined ? 'none' : 'linear');
  const factor = metadata.number(`${prefix}.rope.scaling.factor`) ?? older;
  if (type === 'none' || factor === 1) return {};
  if (type === 'linear') return { rope_scaling: { rope_type: 'linear', factor } };
  if (type !== 'yarn') throw metadata.unsupported(key, 'none, linear or yarn');
  const length = metadata.number(`${prefix}.rope.scaling.original_context_length`) ?? original;
  return {
    rope_scaling: { rope_type: 'yarn', factor, original_max_position_embeddings: length },
  };
}

/** generation_config.json: the tokens that begin, end and pad. A chat ends with any of those that end a turn. */
export function tokenIds({ metadata }: GgufHeader): JsonObject {
  const id = (name: string): number | undefined =>
    metadata.number(`tokenizer.ggml.${name}_token_id`);
  const ends = [...new Set(['eos', 'eot', 'eom'].map(id))].filter((end) => end !== undefined);
  const [bos, pad] = [id('bos'), id('padding')];
  return {
    ...(bos !== undefined && { bos_token_id: bos }),
    ...(ends.length > 0 && { eos_token_id: ends.length === 1 ? ends[0] : ends }),
    ...(pad !== undefined && { pad_token_id: pad }),
  };
}
