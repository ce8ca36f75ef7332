// What families have in common that read token ids and write token ids.

import type { EncoderDecoderDefinition, TransformerShape } from '../definitions.ts';
import { TargetHead } from '../heads/target-head.ts';
import { TokenInput } from '../inputs/token-inputs.ts';
import type { EmbeddingWeights } from '../layers/embeddings.ts';
import type { TransformerWeights } from '../layers/transformer.ts';

export interface TextShape extends TransformerShape {
  readonly sourceVocabulary: number;
}

export interface TextWeights extends TransformerWeights {
  readonly source: EmbeddingWeights;
}

/** A definition whose head gives the target's tokens. */
export function textToText(
  { sourceVocabulary, ...shape }: TextShape,
  { source, ...weights }: TextWeights,
): EncoderDecoderDefinition {
  const { maxPositions } = shape;
  return {
    ...tokenTarget(shape, weights),
    source: new TokenInput({ vocabulary: sourceVocabulary, maxPositions, embeddings: source }, [
      'inputIds',
      'attentionMask',
    ]),
  };
}

/** The part of a definition that writes token ids. */
export function tokenTarget(
  shape: TransformerShape,
  weights: TransformerWeights,
): Omit<EncoderDecoderDefinition, 'source'> {
  const { targetVocabulary, maxPositions } = shape;
  return {
    shape,
    weights,
    target: new TokenInput(
      { vocabulary: targetVocabulary, maxPositions, embeddings: weights.target },
      ['decoderInputIds', 'decoderAttentionMask'],
    ),
    head: new TargetHead(weights.output, weights.before),
  };
}
