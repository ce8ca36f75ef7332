// PyTorch's nn.Transformer: the encoder and decoder of "Attention Is All You Need" over vectors,
// post- or pre-norm, with a norm after each stack. It has no embeddings and no output layer.
// config.json holds the constructor's arguments and `"kind": "torch.nn.Transformer"`.

import type { SelfAttentionWeights } from '../../layers/attention.ts';
import type { Config } from '../../config.ts';
import type { FeedForwardWeights } from '../../layers/feed-forward.ts';
import { torchCrossAttention, torchSelfAttention } from '../torch-attention.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import type { StackWeights } from '../../layers/stack.ts';
import { layerNormWeights } from '../../layers/norm-weights.ts';
import { postNorm, preNorm } from '../../layers/block.ts';

export interface TorchTransformer {
  readonly dModel: number;
  readonly encoder: StackWeights;
  readonly decoder: StackWeights;
}

/** Declares the weights of an nn.Transformer's state dict, whose names begin with `root`. */
export function torchTransformer(
  config: Config,
  loader: WeightLoader,
  root: string = '',
): TorchTransformer {
  const dModel = config.integer('d_model');
  const heads = config.heads('nhead', dModel);
  const width = config.integer('dim_feedforward');
  const eps = config.positive('layer_norm_eps', 1e-5);
  const activation = config.activation('activation', 'relu');
  const block = config.boolean('norm_first', false) ? preNorm : postNorm;
  const rate = config.rate('dropout', 0);
  const dropout = { residual: rate, attention: rate, activation: rate };

  const norm = (prefix: string) => layerNormWeights(loader, prefix, dModel, eps);
  const feed = (prefix: string): FeedForwardWeights => ({
    kind: 'plain',
    inner: loader.linear(`${prefix}.linear1`, width, dModel),
    outer: loader.linear(`${prefix}.linear2`, dModel, width),
    activation,
  });
  const attend = (prefix: string): SelfAttentionWeights =>
    torchSelfAttention(loader, prefix, dModel, heads);
  const stack = <Layer>(name: string, layer: (index: number) => Layer): Layer[] =>
    Array.from({ length: config.layers(`num_${name}_layers`) }, (_, index) => layer(index));
  return {
    dModel,
    encoder: {
      block,
      dropout,
      layers: stack('encoder', (i) => ({
        selfAttention: attend(`${root}encoder.layers.${i}.self_attn`),
        selfAttentionNorm: norm(`${root}encoder.layers.${i}.norm1`),
        feedForward: feed(`${root}encoder.layers.${i}`),
        feedForwardNorm: norm(`${root}encoder.layers.${i}.norm2`),
      })),
      finalNorm: norm(`${root}encoder.norm`),
    },
    decoder: {
      block,
      dropout,
      layers: stack('decoder', (i) => ({
        selfAttention: attend(`${root}decoder.layers.${i}.self_attn`),
        selfAttentionNorm: norm(`${root}decoder.layers.${i}.norm1`),
        crossAttention: torchCrossAttention(
          loader,
          `${root}decoder.layers.${i}.multihead_attn`,
          dModel,
          heads,
        ),
        crossAttentionNorm: norm(`${root}decoder.layers.${i}.norm2`),
        feedForward: feed(`${root}decoder.layers.${i}`),
        feedForwardNorm: norm(`${root}decoder.layers.${i}.norm3`),
      })),
      finalNorm: norm(`${root}decoder.norm`),
    },
  };
}
