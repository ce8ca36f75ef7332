// ALBERT (Lan et al., 2019, arXiv 1909.11942): BERT whose embeddings are narrower than its layers (§3.1, "Factorized
// embedding parameterization"), and whose layers share their weights (§3.1, "Cross-layer parameter sharing"), by
// groups of layers that follow each other.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import type { HeadNames } from '../../heads/encoder-heads.ts';
import { headName } from '../../heads/head-name.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import {
  bertEmbeddings,
  bertLayer,
  type BertLayerNames,
  bertModel,
  bertPooler,
  bertRoot,
  bertSizes,
  checkBert,
} from './bert-layers.ts';

const usualActivation = 'gelu_new';

const names: HeadNames = {
  masked: {
    dense: 'predictions.dense',
    norm: 'predictions.LayerNorm',
    decoder: 'predictions.decoder',
    bias: 'predictions.bias',
    activation: (config) => config.activation('hidden_act', usualActivation),
    eps: (config) => config.positive('layer_norm_eps', 1e-12),
  },
  sequence: { output: 'classifier' },
};

const layerNames: BertLayerNames = {
  queryKeyValue: ['attention.query', 'attention.key', 'attention.value'],
  output: 'attention.dense',
  outputNorm: 'attention.LayerNorm',
  inner: 'ffn',
  outer: 'ffn_output',
  norm: 'full_layer_layer_norm',
};

/** Declares the weights of an `Albert…` checkpoint, the head as `architectures` says. */
export function albert(config: Config, loader: WeightLoader): SequenceDefinition {
  checkBert(config);
  const given = headName(config);
  const own = { head: given === 'PreTraining' ? 'MaskedLM' : given, names };
  const root = bertRoot(config, loader, 'albert.', own);
  const embeddingSize = config.integer('embedding_size', 128);
  const usual = { activation: usualActivation, rate: 0 };
  const sizes = { ...bertSizes(config, usual), embeddingSize };
  const { size } = sizes;
  const length = config.layers('num_hidden_layers');
  const groupCount = config.layers('num_hidden_groups', 1);
  const perGroup = config.layers('inner_group_num', 1);
  const groups = Array.from({ length: groupCount }, (_group, group) =>
    Array.from({ length: perGroup }, (_layer, layer) => {
      const prefix = `${root}encoder.albert_layer_groups.${group}.albert_layers.${layer}`;
      return bertLayer(loader, prefix, sizes, layerNames);
    }),
  );
  const mapping = `${root}encoder.embedding_hidden_mapping_in`;
  return bertModel(config, loader, {
    ...own,
    sizes,
    layers: Array.from(
      { length },
      (_, layer) => groups[Math.trunc(layer / (length / groupCount))],
    ).flatMap((group) => group ?? []),
    pooler: bertPooler(loader, `${root}pooler`, size, own),
    embeddings: {
      ...bertEmbeddings(loader, root, sizes),
      projection: loader.linear(mapping, size, embeddingSize),
    },
  });
}
