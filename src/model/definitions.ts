// What the file of an architecture declares, for the model classes: what stacks begin with, weights by their
// role, and the head.

import type { Tensor } from '../runtime/tensor.ts';
import type { RoutedLayer } from '../shaders/experts/balance-loss.ts';
import type { JsonObject } from '../source/json.ts';
import type { Head } from './heads/head.ts';
import type { Pooler } from './heads/pooler.ts';
import type { SimilarityHead } from './heads/similarity-head.ts';
import type { SoundInput } from './inputs/sound-inputs.ts';
import type { InputStage, SourceStage } from './inputs/input-stage.ts';
import type { TokenBatch } from './inputs/inputs.ts';
import type { StackWeights } from './layers/stack.ts';
import type { StretchedRotary } from './layers/stretched-rotary.ts';
import type { TransformerWeights } from './layers/transformer.ts';

export interface TransformerShape {
  readonly targetVocabulary: number;
  /** Tokens of a target at most, and of a source of tokens; Infinity where positions are relative. */
  readonly maxPositions: number;
  /** Rotary frequencies of the decoder that depend on the length of the target. */
  readonly rotary?: readonly StretchedRotary[] | undefined;
}

/** An encoder and a decoder over whole sequences. */
export interface PairDefinition {
  /** What the encoder begins with, and the decoder. */
  readonly source: InputStage;
  readonly target: InputStage;
  readonly weights: Pick<TransformerWeights, 'encoder' | 'decoder' | 'bridge'>;
  readonly head?: Head;
}

/** A sequence-to-sequence model whose targets are token ids. */
export interface EncoderDecoderDefinition extends PairDefinition {
  readonly shape: TransformerShape;
  readonly source: SourceStage;
  readonly weights: TransformerWeights;
  /** The target that repeats a source, where none is given (BART). */
  readonly repeat?: (source: TokenBatch) => TokenBatch;
  /** Settings of generation, in place of those of the files. */
  readonly generation?: JsonObject;
  /** Of a model that goes on from texts: the token that these begin with instead of their first (BLIP). */
  readonly prompted?: { readonly start: number };
  /** Of a model that hears speech. */
  readonly speech?: {
    readonly stage: SoundInput;
    /** Steps that attention is smoothed over where words are looked for in the sound. */
    readonly medianWidth: number;
    /** The fields of generation_config.json that it knows besides. */
    readonly fields: readonly string[];
  };
  readonly head: Head;
}

/** A loss of what the routers of experts do, which comes to that of the labels. */
export interface ExpertBalance {
  /** `layers`: those that have experts; mask: u32 (B, T), 0 = padding. Result: (1). */
  record(layers: readonly RoutedLayer[], mask: Tensor): Tensor;
}

/** One stack: an encoder, or the decoder of a language model. */
export interface SequenceDefinition {
  /** What the stack begins with. */
  readonly input: InputStage;
  /** Tokens that the input takes and a language model gives; 0 where there are none. */
  readonly vocabulary: number;
  readonly maxPositions: number;
  readonly stack: StackWeights;
  /** Whether tokens see only what stands before them. */
  readonly causal: boolean;
  readonly pooler?: Pooler | undefined;
  /** What the head reads of the stack's input and of the output of each layer; the last alone when absent. */
  readonly mix?: (outputs: readonly [Tensor, ...Tensor[]]) => Tensor;
  readonly head?: Head | undefined;
  /** What comes to the mean of the losses, of models whose experts are to be used evenly. */
  readonly balance?: ExpertBalance | undefined;
  /** Rotary frequencies that depend on the length of the sequence. */
  readonly rotary?: readonly StretchedRotary[] | undefined;
}

/** A stack that reads texts and one that sees images, whose vectors are compared. */
export interface DualEncoderDefinition {
  readonly text: SequenceDefinition;
  readonly vision: SequenceDefinition;
  readonly similarity: SimilarityHead;
}
