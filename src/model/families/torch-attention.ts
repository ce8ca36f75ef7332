// Attention by the names of PyTorch's nn.MultiheadAttention.

import type { CrossAttentionWeights, SelfAttentionWeights } from '../layers/attention.ts';
import { type Linear, partsOf } from '../weights/linear-weights.ts';
import type { WeightLoader } from '../weights/weights.ts';

export function torchSelfAttention(
  loader: WeightLoader,
  prefix: string,
  dModel: number,
  heads: number,
): SelfAttentionWeights {
  return {
    heads,
    queryKeyValue: inProjection(loader, prefix, dModel, [0, 3]),
    output: loader.linear(`${prefix}.out_proj`, dModel, dModel),
  };
}

export function torchCrossAttention(
  loader: WeightLoader,
  prefix: string,
  dModel: number,
  heads: number,
): CrossAttentionWeights {
  return {
    heads,
    query: inProjection(loader, prefix, dModel, [0, 1]),
    keyValue: inProjection(loader, prefix, dModel, [1, 3]),
    output: loader.linear(`${prefix}.out_proj`, dModel, dModel),
  };
}

/** in_proj holds W^Q, W^K and W^V stacked: here those from `first` up to `end`. */
function inProjection(
  loader: WeightLoader,
  prefix: string,
  dModel: number,
  [first, end]: readonly [number, number],
): Linear {
  const part = { rows: 3 * dModel, first: first * dModel };
  const rows = (end - first) * dModel;
  return {
    weight: loader.matrix(`${prefix}.in_proj_weight`, rows, dModel, { part }),
    bias: loader.vector(`${prefix}.in_proj_bias`, rows, part),
    parts: partsOf([`${prefix}.in_proj`], [rows]),
  };
}
