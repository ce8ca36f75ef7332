// The architectures of GGUF files that are read: what config.json would say of a model, and what its tensors are
// called there. Keys and names are those of llama.cpp (gguf-py, constants.py and tensor_mapping.py).

import { TransformerError } from '../../runtime/errors.ts';
import type { JsonObject } from '../json.ts';
import type { GgufHeader } from './header.ts';
import type { Metadata } from './metadata.ts';

export interface GgufArchitecture {
  readonly modelType: string;
  /** The class of the language model. */
  readonly className: string;
  /** Names of the norms of a layer. */
  readonly norms: Readonly<Record<string, string>>;
  /** Whether queries and keys have the halves of each head interleaved, as pairs that are rotated. */
  readonly interleaved?: boolean;
  /** Whether norms are stored with the 1 that Hugging Face's classes add to them. */
  readonly wholeNorms?: boolean;
  /** What config.json has beside what all have. */
  readonly config?: (about: About) => JsonObject;
}

/** What a file says of its model. */
export interface About {
  readonly metadata: Metadata;
  /** The number of a key of the architecture. */
  readonly number: (key: string) => number | undefined;
  readonly has: (tensor: string) => boolean;
  readonly size: number;
  readonly heads: number;
  readonly headSize: number;
  readonly layers: number;
}

const llamaNorms = { attn_norm: 'input_layernorm', ffn_norm: 'post_attention_layernorm' };
const gemmaNorms = {
  attn_norm: 'input_layernorm',
  post_attention_norm: 'post_attention_layernorm',
  ffn_norm: 'pre_feedforward_layernorm',
  post_ffw_norm: 'post_feedforward_layernorm',
};

const architectures: Readonly<Partial<Record<string, GgufArchitecture>>> = {
  llama: {
    modelType: 'llama',
    className: 'LlamaForCausalLM',
    norms: llamaNorms,
    interleaved: true,
    config: ({ has }) => ({
      attention_bias: has('blk.0.attn_q.bias'),
      mlp_bias: has('blk.0.ffn_down.bias'),
    }),
  },
  qwen2: { modelType: 'qwen2', className: 'Qwen2ForCausalLM', norms: llamaNorms },
  qwen3: {
    modelType: 'qwen3',
    className: 'Qwen3ForCausalLM',
    norms: llamaNorms,
    config: ({ has }) => ({ attention_bias: has('blk.0.attn_q.bias') }),
  },
  gemma2: {
    modelType: 'gemma2',
    className: 'Gemma2ForCausalLM',
    norms: gemmaNorms,
    wholeNorms: true,
    config: (about) => ({
      ...gemmaConfig(about, 46),
      attn_logit_softcapping: about.number('attn_logit_softcapping') ?? 50,
      final_logit_softcapping: about.number('final_logit_softcapping') ?? 30,
    }),
  },
  gemma3: {
    modelType: 'gemma3_text',
    className: 'Gemma3ForCausalLM',
    norms: gemmaNorms,
    wholeNorms: true,
    config: (about) => ({
      ...gemmaConfig(about, 62),
      rope_local_base_freq: about.number('rope.freq_base_swa') ?? 1e4,
      final_logit_softcapping: about.number('final_logit_softcapping') ?? null,
    }),
  },
};

/** `largest`: layers of the model that scales scores by its width, which no key says (llama-model.cpp). */
function gemmaConfig(
  { number, layers, size, heads, headSize }: About,
  largest: number,
): JsonObject {
  return {
    sliding_window: number('attention.sliding_window') ?? null,
    query_pre_attn_scalar: layers === largest ? size / heads : headSize,
    hidden_activation: 'gelu_pytorch_tanh',
  };
}

/** The architecture of a file. @throws TransformerError MODEL_UNSUPPORTED, FILE_INVALID */
export function architectureOf({ metadata }: GgufHeader): GgufArchitecture {
  const key = 'general.architecture';
  const name = metadata.need(key, metadata.text(key));
  const found = Object.hasOwn(architectures, name) ? architectures[name] : undefined;
  if (found !== undefined) return found;
  const known = Object.keys(architectures).join(', ');
  const error = metadata.unsupported(key, `one of ${known}`);
  throw new TransformerError(
    error.code,
    `${error.message} Load the checkpoint in safetensors that it was made from.`,
  );
}

const parts: Readonly<Record<string, string>> = {
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  attn_q_norm: 'self_attn.q_norm',
  attn_k_norm: 'self_attn.k_norm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};

const outside: Readonly<Record<string, string>> = {
  token_embd: 'model.embed_tokens',
  output_norm: 'model.norm',
  output: 'lm_head',
};

/** What Hugging Face's class calls a module, from what a file does; undefined where it has none such. */
export function moduleName({ norms }: GgufArchitecture, name: string): string | undefined {
  const [, layer, part = ''] = /^blk\.(\d+)\.(\w+)$/.exec(name) ?? [];
  if (layer === undefined) return Object.hasOwn(outside, name) ? outside[name] : undefined;
  const inLayer = { ...parts, ...norms };
  return Object.hasOwn(inLayer, part) ? `model.layers.${layer}.${inLayer[part]}` : undefined;
}
