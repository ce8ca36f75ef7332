// The heads of encoders, by what the name of a class has behind its family and "For": a line a head.

import type { Activation } from '../../shaders/matmul/matmul.ts';
import type { Config } from '../config.ts';
import type { WeightLoader } from '../weights/weights.ts';
import type { ChooseToken, Head } from './head.ts';
import { maskedHead, type MaskedHeadNames } from './masked-head.ts';
import { sequenceHead } from './sequence-head.ts';
import { spanHead } from './span-head.ts';
import { tokenHead } from './token-head.ts';

/** In the order in which weights are asked what they show. */
export const encoderHeads: Readonly<Record<string, EncoderHead>> = {
  MaskedLM: maskedHead,
  QuestionAnswering: spanHead,
  SequenceClassification: sequenceHead,
  TokenClassification: tokenHead,
};

/** What a family calls the weights of heads that it has in its own way. */
export interface HeadNames {
  readonly masked: MaskedHeadNames;
  readonly sequence: {
    /** A layer before the last, and its activation. */
    readonly dense?: readonly [name: string, activation: Activation];
    readonly output: string;
    /** The token it reads; the pooler's where it is absent. */
    readonly choose?: ChooseToken;
  };
}

/** What the weights of a head are declared with. */
export interface HeadParts {
  readonly config: Config;
  readonly loader: WeightLoader;
  /** d_model */
  readonly size: number;
  /** Of the token embeddings, where it is another. */
  readonly embeddingSize?: number;
  readonly vocabulary: number;
  readonly names: HeadNames;
}

export interface EncoderHead {
  readonly declare: (parts: HeadParts) => Head;
  /** Whether weights show it, where config.json names no class. */
  readonly shown: (has: (tensor: string) => boolean) => boolean;
}

/** The head of this name; none of a base model. @throws TransformerError MODEL_UNSUPPORTED */
export function encoderHead(name: string, parts: HeadParts): Head | undefined {
  if (name === 'Model') return undefined;
  const { declare } = encoderHeads[name] ?? parts.config.refuse('architectures');
  return declare(parts);
}
