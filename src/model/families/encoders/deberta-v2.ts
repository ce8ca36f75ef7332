// DeBERTa's version 2 (He et al., 2020, arXiv 2006.03654, appendix A.5) and DeBERTaV3 (He et al., 2021, arXiv 2111.09543):
// far distances share the vectors of their positions, by their logarithm; these may go through the projections of the
// contents, and a convolution may stand beside the first layer.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { ConvolutionTail } from '../../layers/convolution-tail.ts';
import { layerNormWeights } from '../../layers/norm-weights.ts';
import { oneLinear } from '../../weights/linear-weights.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { bertLayer, type BertLayerNames, type BertSizes, checkBert } from './bert-layers.ts';
import { debertaModel, debertaScores } from './deberta-layers.ts';

const layerNames: BertLayerNames = {
  queryKeyValue: [
    'attention.self.query_proj',
    'attention.self.key_proj',
    'attention.self.value_proj',
  ],
  output: 'attention.output.dense',
  outputNorm: 'attention.output.LayerNorm',
  inner: 'intermediate.dense',
  outer: 'output.dense',
  norm: 'output.LayerNorm',
};

/** Declares the weights of a `DebertaV2…` checkpoint, the head as `architectures` says. */
export function debertaV2(config: Config, loader: WeightLoader): SequenceDefinition {
  checkBert(config);
  const buckets = config.integer('position_buckets', -1, -(2 ** 31));
  if (buckets === 1) config.invalid('position_buckets', 'more than 1, or -1 for none');
  const scores = debertaScores(config, buckets);
  const { c2p, p2c } = scores;
  const isShared = config.boolean('share_att_key', false);
  const norms = config.string('norm_rel_ebd', 'none').toLowerCase().split('|');
  const headSize = config.integer('hidden_size') / config.integer('num_attention_heads');
  if (config.integer('attention_head_size', headSize) !== headSize) {
    config.refuse('attention_head_size');
  }
  return debertaModel(config, loader, {
    scores,
    terms: 1 + Number(c2p) + Number(p2c),
    layer: (prefix, sizes) => bertLayer(loader, prefix, sizes, layerNames),
    positionLayer: (prefix, { size }) => {
      if (isShared) return undefined;
      const names = [...(p2c ? ['pos_query_proj'] : []), ...(c2p ? ['pos_key_proj'] : [])];
      return loader.linear(
        names.map((name) => `${prefix}.attention.self.${name}`),
        size,
        size,
      );
    },
    normsPositions: norms.some((name) => name.trim() === 'layer_norm'),
    aroundFirst: (root, sizes) => convolution(config, loader, `${root}encoder.conv`, sizes),
  });
}

function convolution(
  config: Config,
  loader: WeightLoader,
  name: string,
  { size: width, eps }: BertSizes,
): ConvolutionTail | undefined {
  const size = config.integer('conv_kernel_size', 0, 0, 2 ** 16);
  if (size === 0) return undefined;
  if (size % 2 === 0) config.invalid('conv_kernel_size', 'an odd number');
  const count = config.integer('conv_groups', 1);
  if (width % count !== 0)
    config.invalid('conv_groups', `a divisor of ${width}, the model's width`);
  const channels = width / count;
  return new ConvolutionTail({
    groups: Array.from({ length: count }, (_, group) => {
      const part = { first: group * channels, rows: width };
      const weight = loader.matrix(`${name}.conv.weight`, channels, channels * size, {
        part,
        stored: (rows) => [rows, channels, size],
      });
      return oneLinear(`${name}.conv`, weight, loader.vector(`${name}.conv.bias`, channels, part));
    }),
    size,
    activation: config.activation('conv_act', 'tanh'),
    norm: layerNormWeights(loader, `${name}.LayerNorm`, width, eps),
  });
}
