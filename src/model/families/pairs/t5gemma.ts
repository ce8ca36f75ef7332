// T5Gemma (Zhang et al., 2025, arXiv 2504.06225, §2): an encoder and a decoder of Gemma 2's layers, of which the decoder's
// attend to the encoder's output, too. What pads a text is told by the mask alone, not by its tokens.

import type { Config } from '../../config.ts';
import type { EncoderDecoderDefinition, SequenceDefinition } from '../../definitions.ts';
import { headName } from '../../heads/head-name.ts';
import { targetOf } from '../../inputs/encoder-decoder-inputs.ts';
import { TokenInput, tokenInput, type TokenInputOptions } from '../../inputs/token-inputs.ts';
import type { CrossAttentionWeights } from '../../layers/attention.ts';
import { sandwichNorm, type SublayerNorm } from '../../layers/block.ts';
import { type EmbeddingWeights, paddingOf } from '../../layers/embeddings.ts';
import type { LayerWeights, StackWeights } from '../../layers/stack.ts';
import { oneLinear } from '../../weights/linear-weights.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import {
  gemmaActivation,
  gemmaHeads,
  gemmaScores,
  optional,
  slidingLayers,
} from '../decoders/gemma.ts';
import { llamaMlp, type LlamaSizes, llamaSizes, rmsNorms } from '../decoders/llama-parts.ts';
import { RotaryTables } from '../rotary-tables.ts';
import { tokenTarget } from './text-to-text.ts';

/** What a stack has where config.json says nothing: Gemma 2's sizes of 2 billion parameters. */
const usual = {
  vocab_size: 256_000,
  hidden_size: 2304,
  intermediate_size: 9216,
  num_hidden_layers: 26,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  head_dim: 256,
  max_position_embeddings: 8192,
  pad_token_id: 0,
  bos_token_id: 2,
  final_logit_softcapping: 30,
  attn_logit_softcapping: 50,
};

/** A stack with what it begins with. */
interface Part {
  readonly config: Config;
  readonly sizes: LlamaSizes;
  readonly reading: TokenInputOptions;
  readonly stack: StackWeights;
}

/** Declares the weights of a `T5GemmaForConditionalGeneration` checkpoint, or of a `T5GemmaModel`. */
export function t5Gemma(config: Config, loader: WeightLoader): EncoderDecoderDefinition {
  const isBase = headName(config) === 'Model';
  if (!isBase && headName(config) !== 'ConditionalGeneration') config.refuse('architectures');
  const root = loader.root('model.', 'decoder.norm.weight', isBase);
  const tokensName = `${root}decoder.embed_tokens.weight`;
  const outputName = 'lm_head.out_proj';
  if (isBase || config.boolean('tie_word_embeddings', true)) {
    loader.tie(tokensName, `${outputName}.weight`);
  }
  const source = partOf(config, loader, root, 'encoder');
  const target = partOf(config, loader, root, 'decoder', source.sizes.size);
  const { vocabulary, embeddings, ...positions } = target.reading;
  const weights = {
    encoder: source.stack,
    decoder: target.stack,
    target: embeddings,
    output: {
      ...oneLinear(
        outputName,
        loader.matrix(`${outputName}.weight`, vocabulary, target.sizes.size),
      ),
      softcap: optional(target.config, 'final_logit_softcapping'),
    },
  };
  const startToken = target.config.integer('bos_token_id', undefined, 0);
  const padToken = target.config.integer('pad_token_id', undefined, 0);
  for (const part of [source, target]) part.config.refuseUnread();
  return {
    ...tokenTarget({ targetVocabulary: vocabulary, ...positions }, weights, {
      inputOf: (labels) => targetOf(labels, () => ({ startToken, padToken })),
    }),
    source: new TokenInput(source.reading, ['inputIds', 'attentionMask']),
  };
}

/** Declares the weights of a `T5GemmaEncoderModel` checkpoint. */
export function t5GemmaEncoder(config: Config, loader: WeightLoader): SequenceDefinition {
  const { config: section, reading, stack } = partOf(config, loader, '', 'encoder');
  section.refuseUnread();
  return { ...tokenInput(reading), stack, causal: false };
}

/** `seen`: the width of the encoder, which a decoder attends to. */
function partOf(
  whole: Config,
  loader: WeightLoader,
  root: string,
  name: 'encoder' | 'decoder',
  seen?: number,
): Part {
  const given = whole.section(name);
  const config = given.with({ ...usual, ...given.fields });
  const sizes = llamaSizes(config);
  const rotary = new RotaryTables(config, loader, sizes.headSize);
  const sliding = slidingLayers(config, 2);
  // To either side so many, besides itself, where it sees both ways.
  const window = config.integer('sliding_window', 4096) + (seen === undefined ? 1 : 0);
  const norm = rmsNorms(loader, sizes, 1);
  const activation = gemmaActivation(config);
  const layer = (prefix: string, index: number): LayerWeights => {
    const around = (sublayer: string): SublayerNorm => ({
      ...norm(`${prefix}.pre_${sublayer}_layernorm`),
      after: norm(`${prefix}.post_${sublayer}_layernorm`),
    });
    return {
      selfAttention: {
        ...gemmaHeads(config, loader, `${prefix}.self_attn`, sizes),
        rotary: rotary.table(),
        window: sliding(index) ? window : undefined,
      },
      selfAttentionNorm: around('self_attn'),
      ...(seen !== undefined && {
        crossAttention: crossHeads(config, loader, `${prefix}.cross_attn`, sizes, seen),
        crossAttentionNorm: around('cross_attn'),
      }),
      feedForward: llamaMlp(config, loader, `${prefix}.mlp`, sizes, activation),
      feedForwardNorm: around('feedforward'),
    };
  };
  // An encoder gives no logits, whatever bound it has for them.
  config.get('final_logit_softcapping');
  const count = config.layers('num_hidden_layers');
  const vocabulary = config.integer('vocab_size');
  const rate = whole.rate('dropout_rate', 0);
  const embeddings: EmbeddingWeights = {
    tokens: loader.matrix(`${root}${name}.embed_tokens.weight`, vocabulary, sizes.size),
    padding: paddingOf(config),
    scale: Math.sqrt(sizes.size),
    dropout: rate,
  };
  const stack = {
    block: sandwichNorm,
    layers: Array.from({ length: count }, (_, i) => layer(`${root}${name}.layers.${i}`, i)),
    finalNorm: norm(`${root}${name}.norm`),
    normalizesLastState: true,
    dropout: {
      residual: rate,
      attention: whole.rate('attention_dropout', 0),
      activation: rate,
    },
  };
  const most = rotary.reading(() => config.integer('max_position_embeddings'));
  return { config, sizes, reading: { vocabulary, embeddings, ...most }, stack };
}

/** Heads that share keys and values of what the encoder gives, without positions. */
function crossHeads(
  config: Config,
  loader: WeightLoader,
  prefix: string,
  { size, heads, keyValueHeads, headSize }: LlamaSizes,
  seen: number,
): CrossAttentionWeights {
  const bias = { bias: config.boolean('attention_bias', false) };
  const width = keyValueHeads * headSize;
  return {
    heads,
    keyValueHeads,
    headSize,
    ...gemmaScores(config),
    query: loader.linear(`${prefix}.q_proj`, heads * headSize, size, bias),
    keyValue: loader.linear([`${prefix}.k_proj`, `${prefix}.v_proj`], width, seen, bias),
    output: loader.linear(`${prefix}.o_proj`, size, heads * headSize, bias),
  };
}
