// The layers that BART, Marian and their kin have in common, by the names that Hugging Face gives them.

import type { CrossAttentionWeights, SelfAttentionWeights } from '../../layers/attention.ts';
import type { Config } from '../../config.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import type { LayerWeights, StackWeights } from '../../layers/stack.ts';
import { layerNormWeights } from '../../layers/norm-weights.ts';
import { type Block, postNorm } from '../../layers/block.ts';
import type { LayerNormWeights } from '../../../shaders/rows/norm.ts';

/** What kin of BART has otherwise. */
export interface BartVariant {
  /** Post-norm, as in the paper, when absent. */
  readonly block?: Block;
  /** The norm behind the last layer of each stack; none when absent. */
  readonly finalNorm?: string;
  /** Whether projections to keys have a bias; true when absent. */
  readonly keyBias?: boolean;
  /** Width of the encoder's vectors as the decoder sees them; its own when absent. */
  readonly memory?: number;
}

/** The encoder and the decoder below `root`. */
export function bartLayers(
  config: Config,
  loader: WeightLoader,
  root: string,
  variant: BartVariant = {},
): { dModel: number; encoder: StackWeights; decoder: StackWeights } {
  const { dModel, stack } = bartStacks(config, loader, root, variant);
  return { dModel, encoder: stack('encoder'), decoder: stack('decoder') };
}

/** The same, each declared when it is asked for; a decoder that attends to nothing else where `crosses` is false. */
export function bartStacks(
  config: Config,
  loader: WeightLoader,
  root: string,
  { block = postNorm, finalNorm, keyBias = true, memory }: BartVariant = {},
): { dModel: number; stack: (name: 'encoder' | 'decoder', crosses?: boolean) => StackWeights } {
  const dModel = config.integer('d_model');
  const activation = config.activation('activation_function', 'gelu');
  // The defaults are those of Hugging Face's configurations.
  const dropout = {
    residual: config.rate('dropout', 0.1),
    attention: config.rate('attention_dropout', 0),
    activation: config.rate('activation_dropout', 0),
  };
  const norm = (prefix: string): LayerNormWeights => layerNormWeights(loader, prefix, dModel);
  const attend = (prefix: string, heads: number): SelfAttentionWeights => ({
    heads,
    queryKeyValue: loader.linear(
      ['q_proj', 'k_proj', 'v_proj'].map((name) => `${prefix}.${name}`),
      dModel,
      dModel,
      { bias: [true, keyBias, true] },
    ),
    output: loader.linear(`${prefix}.out_proj`, dModel, dModel),
  });
  const attendAcross = (prefix: string, heads: number): CrossAttentionWeights => ({
    heads,
    query: loader.linear(`${prefix}.q_proj`, dModel, dModel),
    keyValue: loader.linear([`${prefix}.k_proj`, `${prefix}.v_proj`], dModel, memory ?? dModel, {
      bias: [keyBias, true],
    }),
    output: loader.linear(`${prefix}.out_proj`, dModel, dModel),
  });
  const attending = (prefix: string, heads: number) => ({
    selfAttention: attend(`${prefix}.self_attn`, heads),
    selfAttentionNorm: norm(`${prefix}.self_attn_layer_norm`),
  });
  const feeding = (
    prefix: string,
    width: number,
  ): Pick<LayerWeights, 'feedForward' | 'feedForwardNorm'> => ({
    feedForward: {
      kind: 'plain',
      inner: loader.linear(`${prefix}.fc1`, width, dModel),
      outer: loader.linear(`${prefix}.fc2`, dModel, width),
      activation,
    },
    feedForwardNorm: norm(`${prefix}.final_layer_norm`),
  });
  // New checkpoints draw their weights in the order of declaration.
  const layer = (prefix: string, heads: number, width: number): LayerWeights => ({
    ...attending(prefix, heads),
    ...feeding(prefix, width),
  });
  const decoderLayer = (prefix: string, heads: number, width: number): LayerWeights => ({
    ...attending(prefix, heads),
    crossAttention: attendAcross(`${prefix}.encoder_attn`, heads),
    crossAttentionNorm: norm(`${prefix}.encoder_attn_layer_norm`),
    ...feeding(prefix, width),
  });
  const stack = (name: 'encoder' | 'decoder', crosses = name === 'decoder'): StackWeights => {
    const build = crosses ? decoderLayer : layer;
    const heads = config.heads(`${name}_attention_heads`, dModel);
    const width = config.integer(`${name}_ffn_dim`);
    const layers = Array.from({ length: config.layers(`${name}_layers`) }, (_, index) =>
      build(`${root}${name}.layers.${index}`, heads, width),
    );
    const last = finalNorm === undefined ? undefined : norm(`${root}${name}.${finalNorm}`);
    return { block, dropout, layers, finalNorm: last, normalizesLastState: last !== undefined };
  };
  return { dModel, stack };
}

/**
 * Ties the token embeddings of both stacks and the output layer. Files of models that are not tied have one
 * table of tokens for both stacks, too, unless they hold one for each.
 */
export function tieEmbeddings(
  config: Config,
  loader: WeightLoader,
  root: string,
  output: string,
): void {
  const isTied = config.boolean('tie_word_embeddings', true);
  const stacks = ['decoder', 'encoder'].map((name) => `${root}${name}.embed_tokens.weight`);
  if (isTied) loader.tie(`${root}shared.weight`, output, ...stacks);
  else if (!stacks.every((name) => loader.has(name))) loader.tie(`${root}shared.weight`, ...stacks);
}
