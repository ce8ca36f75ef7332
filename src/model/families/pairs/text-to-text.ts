// What families have in common that read token ids and write token ids.

import type { EncoderDecoderDefinition, TransformerShape } from '../../definitions.ts';
import { TargetHead } from '../../heads/target-head.ts';
import type { targetOf } from '../../inputs/encoder-decoder-inputs.ts';
import { TokenInput, type TokenInputOptions } from '../../inputs/token-inputs.ts';
import type { EmbeddingWeights } from '../../layers/embeddings.ts';
import type { TransformerWeights } from '../../layers/transformer.ts';

export interface TextShape extends TransformerShape {
  readonly sourceVocabulary: number;
}

export interface TextWeights extends TransformerWeights {
  readonly source: EmbeddingWeights;
}

/** How tokens become what the stacks read, where that is done otherwise. */
export interface TextReading extends Pick<TokenInputOptions, 'paddingToken'> {
  /** The decoder's input that follows from labels. */
  readonly inputOf?: typeof targetOf | undefined;
}

/** A definition whose head gives the target's tokens. */
export function textToText(
  { sourceVocabulary, ...shape }: TextShape,
  { source, ...weights }: TextWeights,
  reading: TextReading = {},
): EncoderDecoderDefinition {
  const { maxPositions } = shape;
  return {
    ...tokenTarget(shape, weights, reading),
    source: new TokenInput(
      {
        vocabulary: sourceVocabulary,
        maxPositions,
        embeddings: source,
        paddingToken: reading.paddingToken,
      },
      ['inputIds', 'attentionMask'],
    ),
  };
}

/** The part of a definition that writes token ids. */
export function tokenTarget(
  shape: TransformerShape,
  weights: TransformerWeights,
  { inputOf, paddingToken }: TextReading = {},
): Omit<EncoderDecoderDefinition, 'source'> {
  const { targetVocabulary, ...positions } = shape;
  const { target } = weights;
  // What is generated has no padding between its tokens: there their places are counted.
  const generated = paddingToken === undefined ? target : placedBehind(target, paddingToken);
  return {
    shape,
    weights: { ...weights, target: generated },
    target: new TokenInput(
      { vocabulary: targetVocabulary, ...positions, embeddings: target, paddingToken },
      ['decoderInputIds', 'decoderAttentionMask'],
    ),
    head: new TargetHead(weights.output, weights.before, inputOf),
  };
}

function placedBehind(weights: EmbeddingWeights, paddingToken: number): EmbeddingWeights {
  const { positions } = weights;
  return { ...weights, positions: positions && { ...positions, offset: paddingToken + 1 } };
}
