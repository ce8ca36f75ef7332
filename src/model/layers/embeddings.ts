// §3.4 and §3.5 of "Attention Is All You Need": embeddings and positional encoding.

import type { Config } from '../config.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { add } from '../../shaders/elementwise/add.ts';
import { dropout } from '../../shaders/elementwise/dropout.ts';
import { embedding } from '../../shaders/embedding/embedding.ts';
import { linear } from './linear.ts';
import type { Linear } from '../weights/linear-weights.ts';
import { normalize, type NormWeights } from '../../shaders/rows/norm.ts';

export interface EmbeddingWeights {
  /** (V, d_model) */
  readonly tokens: Tensor;
  /** The token whose vector does not train, if there is one: rows from the end on where it is negative. */
  readonly padding?: number | undefined;
  /** √d_model in the paper; 1 when absent. */
  readonly scale?: number;
  /** What an adapter adds beside the tokens' vectors; the table stays as it is. */
  readonly update?: EmbeddingUpdate;
  /** Vectors added by position, (positions, d_model); position 0 has the row `offset`. */
  readonly positions?:
    | { readonly table: Tensor; readonly offset?: number; readonly padding?: number | undefined }
    | undefined;
  /** Vectors added by segment, (types, d_model): "sentence A or B" in BERT. */
  readonly types?: Tensor | undefined;
  /** Of the tokens alone, before anything is added: to d_model, where embeddings are of another width (OPT). */
  readonly tokenProjection?: Linear | undefined;
  readonly norm?: NormWeights | undefined;
  /** To d_model, where embeddings are of another width. */
  readonly projection?: Linear | undefined;
  /** Rate of dropout in training; none when absent. */
  readonly dropout?: number;
  /** What each layer takes of the tokens itself, besides. */
  readonly perLayer?: PerLayerVectors | undefined;
}

/** Records y, vectors of tokens with whatever stands beside them, with what is added. y and result: (B, T, columns). */
export type EmbeddingUpdate = (
  y: Tensor,
  ids: Tensor,
  options: { readonly scale: number | undefined; readonly padding: number | undefined },
) => Tensor;

/** Plain data and methods, so that weights in it can be replaced. */
export interface PerLayerVectors {
  /** Appends them. ids: (B, T), x: the tokens' embeddings, (B, T, d_model). Result: (B, T, …), those of all layers. */
  record(ids: Tensor, x: Tensor): Tensor;
}

/** The token whose vector does not train (PyTorch's `padding_idx`); one beyond all others where none is told. */
export function paddingOf(config: Config, usual: number = 2 ** 31): number {
  return config.integer('pad_token_id', usual, -Infinity, Infinity);
}

/** Token ids with the place of each and a mask (0 = padding). */
export interface Tokens {
  /** (B, T) */
  readonly ids: Tensor;
  /** (B, T, 2): position and slot */
  readonly place: Tensor;
  /** (B, T) */
  readonly mask: Tensor;
  /** (B, T), for embeddings with types; all 0 when absent */
  readonly types?: Tensor;
}

/**
 * §3.4: "we use learned embeddings to convert the tokens to vectors of dimension d_model … we
 * multiply those weights by √d_model"; §3.5: positions are added; §5.4: "we apply dropout to the
 * sums". Result: (B, T, d_model).
 */
export function embed(
  { ids, place, types }: Omit<Tokens, 'mask'>,
  weights: EmbeddingWeights,
): Tensor {
  const { tokens, scale, padding, positions, norm, projection, dropout: rate = 0 } = weights;
  const own = { scale, padding };
  const updated = (y: Tensor): Tensor => weights.update?.(y, ids, own) ?? y;
  let x =
    weights.tokenProjection === undefined
      ? updated(
          embedding(ids, tokens, {
            ...own,
            positions: positions && { position: place, ...positions },
          }),
        )
      : linear(updated(embedding(ids, tokens, own)), weights.tokenProjection, {
          residual: positions && positionVectors(place, positions),
          label: 'token projection',
        });
  // Buffers are 0 from the start.
  const zeros = (): Tensor => ids.recording.persistent('segments', ids.shape, 'u32');
  const segment = weights.types && { residual: embedding(types ?? zeros(), weights.types) };
  if (norm !== undefined) x = normalize(x, norm, { label: 'embedding norm', ...segment });
  else if (segment !== undefined) x = add(x, segment.residual);
  x = dropout(x, rate);
  return projection === undefined ? x : linear(x, projection, { label: 'embedding projection' });
}

function positionVectors(
  place: Tensor,
  { table, offset = 0 }: NonNullable<EmbeddingWeights['positions']>,
): Tensor {
  return embedding(place, table, { beside: { words: place.size(-1), offset } });
}
