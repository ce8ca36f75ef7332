// What a model of one stack computes: embeddings, layers, pooler and head.

import type { Tensor } from '../runtime/tensor.ts';
import { embedding } from '../shaders/embedding/embedding.ts';
import type { HeadLayer, SequenceDefinition } from './definitions.ts';
import { embed, type Tokens } from './layers/embeddings.ts';
import { linear } from './layers/linear.ts';
import { logits } from './layers/logits.ts';
import { sequenceStack } from './layers/sequence-stack.ts';
import { normalize } from '../shaders/rows/norm.ts';

export interface SequenceGraph {
  /** (B, T, d_model) */
  readonly hidden: Tensor;
  /** (B, d_model) */
  readonly pooled: Tensor | undefined;
  /** (B, labels), (B, T, labels), (B, T, 2) or (B, T, V), as the head is. */
  readonly logits: Tensor | undefined;
}

/**
 * Appends the forward pass. `firsts` and `lasts`, u32 (B), number the first and the last token of each
 * sequence through all of the batch.
 */
export function sequenceGraph(
  tokens: Tokens,
  { firsts, lasts }: { readonly firsts: Tensor; readonly lasts: Tensor },
  definition: SequenceDefinition,
): SequenceGraph {
  const { embeddings, stack, causal, pooler, head } = definition;
  const { mask, place } = tokens;
  const x = embed(tokens, embeddings);
  const hidden = sequenceStack(x, stack, { mask, place, causal });
  const pooled = pooler && applyLayers(embedding(firsts, hidden), [pooler]);
  if (head === undefined) return { hidden, pooled, logits: undefined };
  if (head.kind === 'language') {
    const weights = { target: embeddings, decoder: stack, output: head.output };
    return { hidden, pooled, logits: logits(hidden, weights) };
  }
  if (head.kind !== 'sequence') return { hidden, pooled, logits: applyLayers(hidden, head.layers) };
  const from =
    head.from === 'pooler' ? pooled : embedding(head.from === 'last' ? lasts : firsts, hidden);
  if (from === undefined) throw new RangeError('this head needs a pooler');
  return { hidden, pooled, logits: applyLayers(from, head.layers) };
}

/** A head's layers, one after the other. */
export function applyLayers(x: Tensor, layers: readonly HeadLayer[]): Tensor {
  return layers.reduce((h, layer) => {
    const { activation, norm } = layer;
    const y = linear(h, layer.linear, { label: 'head', ...(activation && { activation }) });
    return norm === undefined ? y : normalize(y, norm);
  }, x);
}
