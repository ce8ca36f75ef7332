// What DeBERTa and its versions 2 and 3 are put together from.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import type { HeadNames } from '../../heads/encoder-heads.ts';
import { firstToken } from '../../heads/head.ts';
import { headName } from '../../heads/head-name.ts';
import { MaskedTokenInput } from '../../inputs/masked-inputs.ts';
import type { SelfAttentionWeights } from '../../layers/attention.ts';
import {
  DisentangledPositions,
  PositionRows,
  RelativePositions,
} from '../../layers/disentangled.ts';
import { layerNormWeights } from '../../layers/norm-weights.ts';
import type { AroundLayer, AttentionLayer } from '../../layers/stack.ts';
import type { Linear } from '../../weights/linear-weights.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { bertModel, bertRoot, type BertSizes, bertSizes } from './bert-layers.ts';

/** Distances that have rows of their own, at most. */
const MOST = 2 ** 16;

const usualEps = 1e-7;

/** How scores are made. */
export interface DebertaScores {
  readonly c2p: boolean;
  readonly p2c: boolean;
  /** The kinds of terms that config.json names. */
  readonly types: readonly string[];
  readonly isRelative: boolean;
  /** Rows of the table are half of these for either side. */
  readonly span: number;
  /** Rows for the distances from query to key. */
  readonly bucketOf: (distance: number) => number;
}

/** `buckets`: how many distances to a side have rows, where far ones share them; 0 or less where each has one. */
export function debertaScores(config: Config, buckets: number): DebertaScores {
  const types = config
    .texts('pos_att_type')
    .flatMap((text) => text.split('|'))
    .map((text) => text.trim().toLowerCase());
  const asked = config.integer('max_relative_positions', -1, -(2 ** 31), MOST);
  const most = asked < 1 ? config.integer('max_position_embeddings', undefined, 1, MOST) : asked;
  return {
    types,
    c2p: types.includes('c2p'),
    p2c: types.includes('p2c'),
    isRelative: config.boolean('relative_attention', false),
    span: buckets > 0 ? buckets : most,
    bucketOf:
      buckets > 0 ? (distance) => logBucket(distance, buckets, most) : (distance) => distance,
  };
}

/** Near distances have a bucket each; farther ones share them, by their logarithm. In f32, as where models were made. */
function logBucket(distance: number, buckets: number, most: number): number {
  const middle = Math.floor(buckets / 2);
  const size = Math.abs(distance);
  if (size <= middle) return distance;
  const log = (value: number): number => Math.fround(Math.log(Math.fround(value)));
  const share = Math.fround(log(size / middle) / log((most - 1) / middle));
  return Math.sign(distance) * (Math.ceil(Math.fround(share * (middle - 1))) + middle);
}

/** The row of each distance from key to query, -reach first: those beyond have that of the last one. */
function rowsOf({ span, bucketOf }: DebertaScores): Uint32Array<ArrayBuffer> {
  const last = 2 * span - 1;
  const rowOf = (distance: number): number =>
    Math.min(Math.max(bucketOf(distance) + span, 0), last);
  let reach = 1;
  while (reach < MOST && (rowOf(reach) !== last || rowOf(-reach) !== 0)) reach++;
  return Uint32Array.from({ length: 2 * reach + 1 }, (_, index) => rowOf(reach - index));
}

/** What tells one version from another. */
export interface DebertaVariant {
  readonly scores: DebertaScores;
  /** The scores' factor is the root of 1 / d_k for each of so many terms. */
  readonly terms: number;
  /** A layer, but for positions. */
  readonly layer: (prefix: string, sizes: BertSizes) => AttentionLayer;
  /** Of positions as queries, as keys or as both; the layer's own where there is none. */
  readonly positionLayer: (prefix: string, sizes: BertSizes) => Linear | undefined;
  /** Whether the vectors of positions have a norm. */
  readonly normsPositions?: boolean;
  /** What stands around the first layer. */
  readonly aroundFirst?: (root: string, sizes: BertSizes) => AroundLayer | undefined;
}

/** The model that `architectures` names. */
export function debertaModel(
  config: Config,
  loader: WeightLoader,
  { scores, terms, layer, positionLayer, normsPositions = false, aroundFirst }: DebertaVariant,
): SequenceDefinition {
  const isLegacy = config.boolean('legacy', true);
  const own = { head: headName(config), names: namesOf(config, isLegacy) };
  // Without the older head the output layer is the embedding again, whatever is said of ties.
  const ties = isLegacy ? config : config.with({ tie_word_embeddings: true });
  const root = bertRoot(ties, loader, 'deberta.', own);
  const given = bertSizes(config, { types: 0, eps: usualEps });
  const { size, eps, heads, vocabulary, types, positions, dropout } = given;
  const embeddingSize = config.integer('embedding_size', size);
  const sizes = { ...given, embeddingSize };
  if (config.integer('pooler_hidden_size', size) !== size) config.refuse('pooler_hidden_size');
  const isBiased = config.boolean('position_biased_input', true);
  const norm = (name: string) => layerNormWeights(loader, root + name, size, eps);
  const table = (name: string): string => `${root}embeddings.${name}_embeddings.weight`;
  const embeddingNorm = norm('embeddings.LayerNorm');
  const isProjected = embeddingSize !== size;
  const embeddings = {
    tokens: loader.matrix(table('word'), vocabulary, embeddingSize),
    padding: given.padding,
    ...(isBiased && {
      positions: {
        table: loader.matrix(table('position'), positions, embeddingSize, { dtype: 'f32' }),
      },
    }),
    types: types === 0 ? undefined : loader.matrix(table('token_type'), types, embeddingSize),
    ...(!isProjected && { norm: embeddingNorm, dropout: dropout.residual }),
  };
  const projection = isProjected
    ? {
        linear: loader.linear(`${root}embeddings.embed_proj`, size, embeddingSize, { bias: false }),
        norm: embeddingNorm,
        dropout: dropout.residual,
      }
    : undefined;
  const { c2p, p2c, isRelative } = scores;
  const compares = isRelative && (c2p || p2c);
  const values = rowsOf(scores);
  const rows = compares
    ? new PositionRows(loader.computed('position rows', [values.length], values), values, size)
    : undefined;
  const scale = (terms * (size / heads)) ** -0.5;
  const scored = (prefix: string, attention: SelfAttentionWeights): SelfAttentionWeights => ({
    ...attention,
    scale,
    ...(rows && {
      positions: new DisentangledPositions({
        rows,
        linear: positionLayer(prefix, sizes),
        c2p,
        p2c,
      }),
    }),
  });
  const layers = Array.from({ length: config.layers('num_hidden_layers') }, (_, index) => {
    const prefix = `${root}encoder.layer.${index}`;
    const made = layer(prefix, sizes);
    return {
      ...made,
      selfAttention: scored(prefix, made.selfAttention),
      ...(index === 0 && { around: aroundFirst?.(root, sizes) }),
    };
  });
  const relative = rows && {
    positions: new RelativePositions(
      loader.matrix(`${root}encoder.rel_embeddings.weight`, 2 * scores.span, size, {
        dtype: 'f32',
      }),
      rows,
      normsPositions ? norm('encoder.LayerNorm') : undefined,
    ),
  };
  const model = bertModel(config, loader, { ...own, sizes, layers, embeddings });
  const maxPositions = isBiased ? positions : Infinity;
  return {
    ...model,
    input: new MaskedTokenInput({ vocabulary, types, maxPositions, embeddings }, projection),
    maxPositions,
    stack: { ...model.stack, ...relative },
  };
}

function namesOf(config: Config, isLegacy: boolean): HeadNames {
  const shared = {
    activation: () => config.activation('hidden_act', 'gelu'),
    eps: () => config.positive('layer_norm_eps', usualEps),
  };
  return {
    masked: isLegacy
      ? {
          dense: 'cls.predictions.transform.dense',
          norm: 'cls.predictions.transform.LayerNorm',
          decoder: 'cls.predictions.decoder',
          bias: 'cls.predictions.bias',
          ...shared,
        }
      : {
          dense: 'lm_predictions.lm_head.dense',
          norm: 'lm_predictions.lm_head.LayerNorm',
          decoder: 'lm_predictions.lm_head.decoder',
          bias: 'lm_predictions.lm_head.bias',
          ...shared,
        },
    sequence: {
      dense: ['pooler.dense', config.activation('pooler_hidden_act', 'gelu')],
      output: 'classifier',
      choose: firstToken,
    },
  };
}
