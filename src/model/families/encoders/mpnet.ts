// MPNet (Song et al., 2020, arXiv 2004.09297): BERT without segments, with positions that count as RoBERTa's, and with
// T5's biases of the scores by distance (§2.2 there, arXiv 1910.10683), which all layers share.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { headName } from '../../heads/head-name.ts';
import { distanceBuckets } from '../../layers/relative-bias.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import {
  bertEmbeddings,
  bertLayer,
  type BertLayerNames,
  bertLayers,
  bertModel,
  bertPooler,
  bertRoot,
  bertSizes,
  checkBert,
} from './bert-layers.ts';
import { robertaNames as names } from './roberta.ts';

/** Whatever token config.json says that texts are padded with. */
const paddingToken = 1;

/** Distances are told apart by so many buckets, however many the table has. */
const bucketCount = 32;
const reach = 128;

const layerNames: BertLayerNames = {
  queryKeyValue: ['attention.attn.q', 'attention.attn.k', 'attention.attn.v'],
  output: 'attention.attn.o',
  outputNorm: 'attention.LayerNorm',
  inner: 'intermediate.dense',
  outer: 'output.dense',
  norm: 'output.LayerNorm',
};

/** Declares the weights of an `MPNet…` checkpoint, the head as `architectures` says. */
export function mpnet(config: Config, loader: WeightLoader): SequenceDefinition {
  checkBert(config);
  const own = { head: headName(config), names };
  const root = bertRoot(config, loader, 'mpnet.', own);
  // There are none, whatever stands there.
  const sizes = {
    ...bertSizes(config, { types: 0, padding: paddingToken }),
    types: 0,
    padding: paddingToken,
  };
  const rows = config.integer('relative_attention_num_buckets', bucketCount);
  const buckets = distanceBuckets(bucketCount, reach, true);
  // A smaller table ends texts where their distances would need more.
  const end = buckets.findIndex((bucket, index) => index > reach && bucket >= rows);
  const longest = end < 0 ? Infinity : end - reach;
  const known = buckets.map((bucket) => Math.min(bucket, rows - 1));
  return bertModel(config, loader, {
    ...own,
    sizes: { ...sizes, positions: Math.min(sizes.positions, longest + paddingToken + 1) },
    layers: bertLayers(config, (prefix) => bertLayer(loader, prefix, sizes, layerNames), root),
    relativeBias: {
      table: loader.matrix(`${root}encoder.relative_attention_bias.weight`, rows, sizes.heads),
      buckets: loader.computed('buckets', [known.length], known),
    },
    pooler: bertPooler(loader, `${root}pooler.dense`, sizes.size, own),
    embeddings: bertEmbeddings(loader, root, sizes),
    paddingToken,
  });
}
