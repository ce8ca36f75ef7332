// Models that write texts that people know: typed in by hand on 2026-11-29.

import { bartSizes, type Fields, generates, type KnownModel, of } from './fields.ts';

const llamaSizes = (
  size: number,
  layers: number,
  [heads, keyValueHeads]: readonly [number, number],
  width: number,
  vocabulary: number,
): Fields => ({
  hidden_size: size,
  num_hidden_layers: layers,
  num_attention_heads: heads,
  num_key_value_heads: keyValueHeads,
  intermediate_size: width,
  vocab_size: vocabulary,
  max_position_embeddings: 8192,
});
/** LFM2's: attention in six of sixteen layers. */
const lfm2 = (size: number, heads: number, width: number): Fields =>
  of('lfm2', 'Lfm2ForCausalLM', llamaSizes(size, 16, [heads, 8], width, 65536), {
    full_attn_idxs: [2, 5, 8, 10, 12, 14],
  });
const tied: Fields = { tie_word_embeddings: true };

/** The part for texts of a Gemma 4. */
const gemma4 = (
  [size, layers, heads, width]: readonly [number, number, readonly [number, number], number],
  fields: Fields,
): Fields =>
  of('gemma4_text', 'Gemma4ForCausalLM', llamaSizes(size, layers, heads, width, 262144), fields);

/** The part for texts of a Gemma 3n. */
const gemma3n = (layers: number, width: number, shared: number): Fields =>
  of('gemma3n_text', 'Gemma3nForCausalLM', llamaSizes(2048, layers, [8, 2], width, 262400), {
    num_kv_shared_layers: shared,
  });

const opus = (vocabulary: number): Fields =>
  of('marian', 'MarianMTModel', bartSizes(512, [6, 6], 8, vocabulary), {
    max_position_embeddings: 512,
  });
const t5Sizes = (size: number, layers: number, heads: number, width: number): Fields => ({
  d_model: size,
  d_kv: 64,
  num_layers: layers,
  num_heads: heads,
  d_ff: width,
  vocab_size: 32128,
});
/** Of version 1.1, whose files have an output layer of their own. */
const gatedT5 = (name: string, sizes: Fields, type = 't5'): KnownModel => ({
  name,
  config: of(type, `${type.toUpperCase()}${generates}`, sizes, {
    feed_forward_proj: 'gated-gelu',
    tie_word_embeddings: false,
  }),
  more: { 'lm_head.weight': [Number(sizes['vocab_size']), Number(sizes['d_model'])] },
});

/** T5Gemma's, whose stacks are alike. */
const t5Gemma = (sizes: Fields, headSize: number): Fields => {
  const stack = { ...sizes, head_dim: headSize };
  return of('t5gemma', `T5Gemma${generates}`, { encoder: stack, decoder: stack });
};

/** By task. */
export const writers: Readonly<Record<string, readonly KnownModel[]>> = {
  'text-generation': [
    {
      name: 'openai-community/gpt2',
      config: of('gpt2', 'GPT2LMHeadModel', {
        n_embd: 768,
        n_layer: 12,
        n_head: 12,
        vocab_size: 50257,
        n_positions: 1024,
      }),
    },
    {
      name: 'HuggingFaceTB/SmolLM2-135M-Instruct',
      config: of('llama', 'LlamaForCausalLM', llamaSizes(576, 30, [9, 3], 1536, 49152), tied),
    },
    {
      name: 'HuggingFaceTB/SmolLM2-360M-Instruct',
      config: of('llama', 'LlamaForCausalLM', llamaSizes(960, 32, [15, 5], 2560, 49152), tied),
    },
    {
      name: 'google/gemma-3-270m-it',
      config: of('gemma3_text', 'Gemma3ForCausalLM', llamaSizes(640, 18, [4, 1], 2048, 262144), {
        head_dim: 256,
        query_pre_attn_scalar: 256,
        sliding_window: 512,
      }),
    },
    {
      // The part of it that writes.
      name: 'Qwen/Qwen3.5-0.8B',
      config: of('qwen3_5_text', 'Qwen3_5ForCausalLM', llamaSizes(1024, 24, [8, 2], 3584, 248320), {
        head_dim: 256,
        linear_num_value_heads: 16,
        ...tied,
      }),
    },
    { name: 'LiquidAI/LFM2-350M', config: lfm2(1024, 16, 6656) },
    { name: 'LiquidAI/LFM2-1.2B', config: lfm2(2048, 32, 12288) },
    {
      name: 'LiquidAI/LFM2-8B-A1B',
      config: of('lfm2_moe', 'Lfm2MoeForCausalLM', llamaSizes(2048, 24, [32, 8], 7168, 65536), {
        layer_types: Array.from({ length: 24 }, (_, i) =>
          [2, 6, 10, 14, 18, 21].includes(i) ? 'full_attention' : 'conv',
        ),
      }),
    },
    {
      name: 'LiquidAI/LFM3-1.7B',
      config: of('lfm3', 'Lfm3ForCausalLM', llamaSizes(2048, 24, [16, 4], 7680, 128000)),
    },
    { name: 'google/gemma-3n-E2B-it', config: gemma3n(30, 8192, 10) },
    { name: 'google/gemma-3n-E4B-it', config: gemma3n(35, 16384, 15) },
    {
      name: 'google/gemma-4-E2B-it',
      config: gemma4([1536, 35, [8, 1], 6144], {
        layer_types: Array.from({ length: 35 }, (_, i) =>
          i % 5 === 4 ? 'full_attention' : 'sliding_attention',
        ),
        num_kv_shared_layers: 20,
        use_double_wide_mlp: true,
      }),
    },
    {
      name: 'google/gemma-4-E4B-it',
      config: gemma4([2560, 42, [8, 2], 10240], { num_kv_shared_layers: 18 }),
    },
    {
      name: 'google/gemma-4-26B-A4B-it',
      config: gemma4([2816, 30, [16, 8], 2112], {
        hidden_size_per_layer_input: 0,
        attention_k_eq_v: true,
        num_global_key_value_heads: 2,
        enable_moe_block: true,
        num_experts: 128,
        top_k_experts: 8,
        moe_intermediate_size: 704,
      }),
    },
    {
      name: 'Qwen/Qwen2.5-0.5B-Instruct',
      config: of('qwen2', 'Qwen2ForCausalLM', llamaSizes(896, 24, [14, 2], 4864, 151936), tied),
    },
    {
      name: 'Qwen/Qwen3-0.6B',
      config: of('qwen3', 'Qwen3ForCausalLM', llamaSizes(1024, 28, [16, 8], 3072, 151936), tied, {
        head_dim: 128,
      }),
    },
    {
      name: 'TinyLlama/TinyLlama-1.1B-Chat-v1.0',
      config: of('llama', 'LlamaForCausalLM', llamaSizes(2048, 22, [32, 4], 5632, 32000)),
    },
    {
      name: 'meta-llama/Llama-3.2-1B-Instruct',
      config: of('llama', 'LlamaForCausalLM', llamaSizes(2048, 16, [32, 8], 8192, 128256), tied),
    },
    {
      name: 'HuggingFaceTB/SmolLM3-3B',
      config: of(
        'smollm3',
        'SmolLM3ForCausalLM',
        llamaSizes(2048, 36, [16, 4], 11008, 128256),
        tied,
      ),
    },
    {
      name: 'EleutherAI/pythia-160m',
      config: of('gpt_neox', 'GPTNeoXForCausalLM', {
        hidden_size: 768,
        intermediate_size: 3072,
        num_hidden_layers: 12,
        num_attention_heads: 12,
        rotary_pct: 0.25,
        vocab_size: 50304,
        max_position_embeddings: 2048,
      }),
    },
    {
      name: 'allenai/OLMo-2-0425-1B-Instruct',
      config: of('olmo2', 'Olmo2ForCausalLM', llamaSizes(2048, 16, [16, 16], 8192, 100352)),
    },
    {
      name: 'ibm-granite/granite-3.3-2b-instruct',
      config: of('granite', 'GraniteForCausalLM', llamaSizes(2048, 40, [32, 8], 8192, 49159), tied),
    },
    {
      name: 'microsoft/Phi-4-mini-instruct',
      config: of('phi3', 'Phi3ForCausalLM', llamaSizes(3072, 32, [24, 8], 8192, 200064), tied, {
        partial_rotary_factor: 0.75,
      }),
    },
    {
      name: 'mistralai/Mistral-7B-Instruct-v0.3',
      config: of('mistral', 'MistralForCausalLM', llamaSizes(4096, 32, [32, 8], 14336, 32768)),
    },
  ],
  translation: [
    ...['en-fr', 'fr-en'].map((pair) => ({
      name: `Helsinki-NLP/opus-mt-${pair}`,
      config: opus(59514),
    })),
    ...['en-de', 'de-en'].map((pair) => ({
      name: `Helsinki-NLP/opus-mt-${pair}`,
      config: opus(58101),
    })),
    { name: 'Helsinki-NLP/opus-mt-zh-en', config: opus(65001) },
    {
      name: 'facebook/m2m100_418M',
      config: of('m2m_100', `M2M100${generates}`, bartSizes(1024, [12, 12], 16, 128112)),
    },
    {
      name: 'facebook/nllb-200-distilled-600M',
      config: of('m2m_100', `M2M100${generates}`, bartSizes(1024, [12, 12], 16, 256206)),
    },
    {
      name: 'facebook/mbart-large-50-many-to-many-mmt',
      config: of('mbart', `MBart${generates}`, bartSizes(1024, [12, 12], 16, 250054)),
    },
  ],
  summarization: [
    {
      name: 'Falconsai/text_summarization',
      config: of('t5', `T5${generates}`, t5Sizes(512, 6, 8, 2048)),
    },
    { name: 'google-t5/t5-small', config: of('t5', `T5${generates}`, t5Sizes(512, 6, 8, 2048)) },
    {
      name: 'sshleifer/distilbart-cnn-6-6',
      config: of('bart', `Bart${generates}`, bartSizes(1024, [6, 6], 16, 50264)),
    },
    {
      name: 'sshleifer/distilbart-cnn-12-6',
      config: of('bart', `Bart${generates}`, bartSizes(1024, [12, 6], 16, 50264)),
    },
    {
      name: 'facebook/bart-large-cnn',
      config: of('bart', `Bart${generates}`, bartSizes(1024, [12, 12], 16, 50264)),
    },
    {
      name: 'google/pegasus-xsum',
      config: of('pegasus', `Pegasus${generates}`, bartSizes(1024, [16, 16], 16, 96103), {
        max_position_embeddings: 512,
      }),
    },
  ],
  'text2text-generation': [
    gatedT5('google/flan-t5-small', t5Sizes(512, 8, 6, 1024)),
    gatedT5('google/flan-t5-base', t5Sizes(768, 12, 12, 2048)),
    gatedT5('google/flan-t5-large', t5Sizes(1024, 24, 16, 2816)),
    gatedT5('MBZUAI/LaMini-Flan-T5-77M', t5Sizes(512, 8, 6, 1024)),
    gatedT5('MBZUAI/LaMini-Flan-T5-248M', t5Sizes(768, 12, 12, 2048)),
    gatedT5('google/mt5-small', { ...t5Sizes(512, 8, 6, 1024), vocab_size: 250112 }, 'mt5'),
    {
      name: 'google/t5gemma-s-s-prefixlm',
      config: t5Gemma(llamaSizes(512, 8, [8, 8], 1024, 256000), 64),
    },
    {
      name: 'google/t5gemma-b-b-prefixlm',
      config: t5Gemma(llamaSizes(768, 12, [12, 12], 2048, 256000), 64),
    },
    {
      name: 'google/t5gemma-2b-2b-prefixlm-it',
      config: t5Gemma(llamaSizes(2304, 26, [8, 4], 9216, 256000), 256),
    },
  ],
};
