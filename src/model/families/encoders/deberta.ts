// DeBERTa (He et al., 2020, arXiv 2006.03654): BERT whose scores compare contents and relative positions, each by vectors
// of its own (§3.1). One product makes queries, keys and values, head by head.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import type { AttentionLayer } from '../../layers/stack.ts';
import type { Linear } from '../../weights/linear-weights.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { bertLayer, type BertSizes, checkBert } from './bert-layers.ts';
import { debertaModel, debertaScores } from './deberta-layers.ts';

/** Declares the weights of a `Deberta…` checkpoint, the head as `architectures` says. */
export function deberta(config: Config, loader: WeightLoader): SequenceDefinition {
  checkBert(config);
  config.only('talking_head', false);
  const scores = debertaScores(config, 0);
  const { c2p, p2c, types } = scores;
  const layer = (prefix: string, sizes: BertSizes): AttentionLayer =>
    bertLayer(
      loader,
      prefix,
      sizes,
      undefined,
      projections(loader, `${prefix}.attention.self`, sizes),
    );
  return debertaModel(config, loader, {
    scores,
    terms: 1 + types.length,
    layer,
    positionLayer: (prefix, { size }) => {
      const names = [...(p2c ? ['pos_q_proj'] : []), ...(c2p ? ['pos_proj'] : [])];
      return loader.linear(
        names.map((name) => `${prefix}.attention.self.${name}`),
        size,
        size,
        { bias: names.map((name) => name === 'pos_q_proj') },
      );
    },
  });
}

/** Queries, keys and values of all heads side by side, from where they stand head by head; keys have no bias. */
function projections(loader: WeightLoader, prefix: string, { size, heads }: BertSizes): Linear {
  const headSize = size / heads;
  const part = [0, 1, 2].flatMap((kind) =>
    Array.from({ length: heads }, (_, head) => ({
      first: (3 * head + kind) * headSize,
      rows: 3 * size,
    })),
  );
  const names = part.map(() => `${prefix}.in_proj`);
  return {
    ...loader.linear(names, headSize, size, { bias: false, part }),
    bias: loader.vector([`${prefix}.q_bias`, undefined, `${prefix}.v_bias`], size),
  };
}
