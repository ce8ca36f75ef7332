// §3.2.3 of "Attention Is All You Need": the attention of a decoder to its encoder's output.

import type { Tensor } from '../../runtime/tensor.ts';
import { attentionDecode } from '../../shaders/attention/decode/attention-decode.ts';
import { attention } from '../../shaders/attention/attention.ts';
import { concatenate, type CrossAttentionWeights, mixedOf } from './attention.ts';
import { linear } from './linear.ts';
import type { StackCross, StackWeights } from './stack.ts';
import type { Linear } from '../weights/linear-weights.ts';

/** What every decoder layer attends to besides its own input. */
export interface Memory {
  /** Per layer, keys and values of the encoder's output: (B, S, 2 · keyValueHeads · d_k) */
  readonly keyValues: readonly Tensor[];
  /** (B, S), 0 = padding; one source a sequence. */
  readonly mask?: Tensor | undefined;
  /** Instead of a mask, (R, S): what each of R sequences sees of all sources, see `BlockTable`. */
  readonly table?: Tensor | undefined;
  /** (R, 1, 2) u32: the place in the table of the last that each sequence sees; all of it when absent. */
  readonly last?: Tensor | undefined;
}

/**
 * Each layer's keys and values of the encoder's output z, computed once. z: (B, S, d_model). `bridge`: what comes
 * between it and the decoder.
 */
export function remember(
  z: Tensor,
  mask: Tensor,
  { layers }: StackWeights,
  bridge?: Linear,
): Memory {
  const seen = bridge ? linear(z, bridge, { label: 'encoder to decoder' }) : z;
  const { recording } = seen;
  const keyValues = layers.flatMap(({ crossAttention: cross }, index) => {
    if (cross === undefined) return [];
    const own = linear(seen, cross.keyValue, { label: 'memory key, value' });
    const path = `decoder.layers.${index}.crossAttention`;
    return [recording.within(path, () => tapMemory(own, cross))];
  });
  return { keyValues, mask };
}

/** Keys and values are named points of the layer. */
function tapMemory(known: Tensor, { heads, keyValueHeads = heads }: CrossAttentionWeights): Tensor {
  const { recording } = known;
  const width = known.size(-1) / 2;
  const columns = { heads: keyValueHeads, headSize: width / keyValueHeads };
  const keyed = recording.tap('key', known, { first: 0, ...columns });
  return recording.tap('value', keyed, { first: width, ...columns });
}

/** The cross-attention of a stack's layers to what it remembers. */
export function recall({ keyValues, ...seen }: Memory, dropout: number = 0): StackCross {
  return (weights, layer) => {
    const known = keyValues[layer];
    if (known === undefined) throw new RangeError(`decoder layer ${layer} has no memory`);
    return (x, residual) => crossAttention(x, weights, { known, ...seen, residual, dropout });
  };
}

interface CrossAttentionOptions extends Omit<Memory, 'keyValues'> {
  /** Keys and values of the encoder's output: (B, S, 2 · keyValueHeads · d_k) */
  readonly known: Tensor;
  readonly residual?: Tensor | undefined;
  /** Rate of dropout of the weights; 0 when absent. */
  readonly dropout?: number;
}

/**
 * "The queries come from the previous decoder layer, and the memory keys and values come from the
 * output of the encoder", §3.2.3. x and result: (B, T, d_model), or with a table (R, T, d_model).
 */
export function crossAttention(
  x: Tensor,
  weights: CrossAttentionWeights,
  { known, mask, table, last, residual, dropout = 0 }: CrossAttentionOptions,
): Tensor {
  const { heads, keyValueHeads = heads, query, scale, softcap } = weights;
  const width = known.size(-1) / 2;
  const headSize = width / keyValueHeads;
  const scoring = {
    heads,
    keyValueHeads,
    headSize,
    softcap,
    ...(scale !== undefined && { scale }),
  };
  const { recording } = x;
  const queries = linear(x, query, { label: 'query' });
  const projected = recording.tap('query', queries, { first: 0, heads, headSize });
  if (table !== undefined && x.size(1) === 1) {
    const all = { projections: projected, starts: { q: 0 }, cache: known, table };
    const seen = { ...all, ...(last && { place: last }) };
    const attended = attentionDecode({ ...seen, ...scoring });
    return concatenate(attended, weights, residual);
  }
  const attended = attention({
    q: { tensor: projected, start: 0 },
    k: { tensor: known, start: 0 },
    v: { tensor: known, start: width },
    ...(mask && { keyMask: mask }),
    ...(table && { table }),
    ...scoring,
    causal: false,
    dropout,
  });
  return concatenate(mixedOf(attended), weights, residual);
}
