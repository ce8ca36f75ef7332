// What families have in common that read token ids and write token ids.

import type { EncoderDecoderDefinition, TransformerShape } from '../definitions.ts';
import { TargetHead } from '../heads/target-head.ts';
import { TokenInput } from '../inputs/token-inputs.ts';
import type { TransformerWeights } from '../layers/transformer.ts';

/** A definition whose head gives the target's tokens. */
export function textToText(
  shape: TransformerShape,
  weights: TransformerWeights,
): EncoderDecoderDefinition {
  const { sourceVocabulary, targetVocabulary, maxPositions } = shape;
  return {
    shape,
    weights,
    source: new TokenInput(
      { vocabulary: sourceVocabulary, maxPositions, embeddings: weights.source },
      ['inputIds', 'attentionMask'],
    ),
    target: new TokenInput(
      { vocabulary: targetVocabulary, maxPositions, embeddings: weights.target },
      ['decoderInputIds', 'decoderAttentionMask'],
    ),
    head: new TargetHead(weights.output),
  };
}
