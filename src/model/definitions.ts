// What the file of an architecture declares, for the model classes: sizes, and weights by their role.

import type { Tensor } from '../runtime/tensor.ts';
import type { Activation } from '../shaders/matmul/matmul.ts';
import type { EmbeddingWeights } from './layers/embeddings.ts';
import type { LanguageModelWeights } from './layers/logits.ts';
import type { RotaryFrequencies } from './layers/rotary.ts';
import type { TransformerWeights } from './layers/transformer.ts';
import type { Linear } from './weights/linear-weights.ts';
import type { StackWeights } from './layers/stack.ts';
import type { NormWeights } from '../shaders/rows/norm.ts';

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
  /** What targets begin with that repeat the source, where none are given (BART). */
  readonly repeatToken?: number;
  readonly classifier?: SequenceClassifier;
}

/** Logits of each sequence, from the decoder's state at the last end token of a target like the source. */
export interface SequenceClassifier {
  readonly endToken: number;
  readonly layers: readonly HeadLayer[];
}

/** A layer on top of a stack: a linear one, then its activation and its norm where it has them. */
export interface HeadLayer {
  readonly linear: Linear;
  readonly activation?: Activation;
  readonly norm?: NormWeights;
}

/** What is computed from the last hidden states. */
export type Head =
  /** Logits of each sequence, (B, labels), from one of its tokens or from what the pooler makes of it. */
  | {
      readonly kind: 'sequence';
      readonly from: 'first' | 'pooler' | 'last';
      /** Takes one sequence at a time: there is no padding token to tell its last token by. */
      readonly single?: boolean;
      readonly layers: readonly HeadLayer[];
    }
  /** Logits of every token, (B, T, labels). */
  | { readonly kind: 'token' | 'maskedLanguage'; readonly layers: readonly HeadLayer[] }
  /** Logits of every token for being the start and the end of the answer, (B, T) each. */
  | { readonly kind: 'span'; readonly layers: readonly HeadLayer[] }
  /** Logits of the token that follows each token, (B, T, V). */
  | { readonly kind: 'language'; readonly output: LanguageModelWeights['output'] };

/** One stack over token ids: an encoder, or the decoder of a language model. */
export interface SequenceDefinition {
  readonly vocabulary: number;
  readonly maxPositions: number;
  /** Segments of `tokenTypeIds`; 0 where there are none. */
  readonly types: number;
  /** Positions count only what is not this token, and begin behind its id (RoBERTa). */
  readonly paddingToken?: number;
  readonly embeddings: EmbeddingWeights;
  readonly stack: StackWeights;
  /** Whether tokens see only what stands before them. */
  readonly causal: boolean;
  /** Of the first token. */
  readonly pooler?: HeadLayer | undefined;
  readonly head?: Head | undefined;
  /** Rotary frequencies that depend on the length of the sequence, and where they lie. */
  readonly rotary?: readonly StretchedRotary[];
}

export interface StretchedRotary {
  readonly turns: Tensor;
  readonly frequencies: RotaryFrequencies;
}
