// The part of a model that reads texts, where the model sees images or hears sounds as well: its config.json as that of
// the part alone, which has a class of its own. Its weights lie beside the others, which nobody uses.

import { isObject, type JsonObject } from '../source/json.ts';

interface TextPart {
  /** What names of classes begin with. */
  readonly prefix: string;
  /** Where files leave out what is usual. */
  readonly usual?: JsonObject;
}

/** By `model_type` of the whole; that of the part has `_text` behind it. */
const parts: Readonly<Record<string, TextPart>> = {
  gemma3: {
    prefix: 'Gemma3',
    usual: {
      vocab_size: 262_208,
      hidden_size: 2304,
      intermediate_size: 9216,
      num_hidden_layers: 26,
      num_attention_heads: 8,
      num_key_value_heads: 4,
      head_dim: 256,
      max_position_embeddings: 131_072,
    },
  },
  gemma3n: {
    prefix: 'Gemma3n',
    usual: {
      vocab_size: 262_400,
      hidden_size: 2048,
      intermediate_size: 16_384,
      num_hidden_layers: 35,
      num_attention_heads: 8,
      num_key_value_heads: 2,
      max_position_embeddings: 32_768,
    },
  },
  gemma4: { prefix: 'Gemma4' },
  gemma4_unified: { prefix: 'Gemma4Unified' },
  qwen3_5: { prefix: 'Qwen3_5' },
};

/** The fields of the part; what stands beside it counts where both say something. Others are given back as they are. */
export function textConfig(config: JsonObject): JsonObject {
  const { model_type: type, architectures, text_config: text, ...beside } = config;
  const part = typeof type === 'string' && Object.hasOwn(parts, type) ? parts[type] : undefined;
  if (part === undefined || !isObject(text)) return config;
  const given = Object.entries(beside).filter(([, value]) => value !== null);
  return {
    ...part.usual,
    ...text,
    ...Object.fromEntries(given),
    model_type: `${String(type)}_text`,
    architectures: [architectures].flat().map((name) => classOfPart(name, part)),
  };
}

function classOfPart(name: unknown, { prefix }: TextPart): unknown {
  if (name === `${prefix}ForConditionalGeneration`) return `${prefix}ForCausalLM`;
  return name === `${prefix}Model` ? `${prefix}TextModel` : name;
}
