// What the file of an architecture declares, for the model classes: sizes, and weights by their role.

import type { Tensor } from '../runtime/tensor.ts';
import type { Activation } from '../shaders/matmul.ts';
import type { EmbeddingWeights } from './embeddings.ts';
import type { EncoderWeights } from './encoder.ts';
import type { NormWeights } from './normalization.ts';
import type { LanguageModelWeights, TransformerWeights } from './transformer.ts';
import type { Linear } from './weights.ts';

export interface TransformerShape {
  readonly sourceVocabulary: number;
  readonly targetVocabulary: number;
  /** Tokens of a sequence at most; Infinity where positions are relative. */
  readonly maxPositions: number;
}

/** A sequence-to-sequence model over token ids. */
export interface EncoderDecoderDefinition {
  readonly shape: TransformerShape;
  readonly weights: TransformerWeights;
}

/** Layers on top of a stack, applied one after the other. */
export interface HeadLayer {
  readonly linear: Linear;
  readonly activation?: Activation;
  readonly norm?: NormWeights;
}

/** What is computed from the last hidden states. */
export type Head =
  /** Of the pooled state, (B, labels), or of every token, (B, T, labels). */
  | { readonly kind: 'sequence' | 'token'; readonly layers: readonly HeadLayer[] }
  /** Logits of every token for being the start and the end of the answer, (B, T) each. */
  | { readonly kind: 'span'; readonly layers: readonly HeadLayer[] };

/** An encoder over token ids, with or without a head. */
export interface EncoderDefinition {
  readonly vocabulary: number;
  readonly maxPositions: number;
  /** Segments of `tokenTypeIds`; 0 where there are none. */
  readonly types: number;
  /** Positions count only what is not this token, and begin behind it (RoBERTa). */
  readonly paddingToken?: number;
  readonly embeddings: EmbeddingWeights;
  readonly encoder: EncoderWeights;
  /** Of the first token. */
  readonly pooler?: HeadLayer | undefined;
  /** Whether the head takes what the pooler makes of the first token; its state as it is, else. */
  readonly poolsForHead?: boolean;
  readonly head?: Head | undefined;
}

/** A language model: a decoder without an encoder. */
export interface DecoderDefinition {
  readonly vocabulary: number;
  readonly maxPositions: number;
  readonly weights: LanguageModelWeights;
  /** Whether the checkpoint has an output layer (or ties it); a bare stack gives hidden states. */
  readonly hasOutput: boolean;
  /** In place of the output layer: (labels, d_model) over the last token that is no padding. */
  readonly classifier?: Tensor;
}
