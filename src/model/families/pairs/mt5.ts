// mT5 (Xue et al., 2020, arXiv 2010.11934), T5 version 1.1 for many languages, and UMT5 (Chung et al., 2023, arXiv
// 2304.09151), each layer of which has biases of its own.

import type { Config } from '../../config.ts';
import type { EncoderDecoderDefinition, SequenceDefinition } from '../../definitions.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { t5, t5Encoder, type T5Variant } from './t5.ts';

const manyLanguages: T5Variant = { feedForward: 'gated-gelu', scalesOutput: false };
const ownBiases: T5Variant = { feedForward: 'gated-gelu', biasPerLayer: true };

/** Declares the weights of an `MT5…` checkpoint with a decoder. */
export function mt5(config: Config, loader: WeightLoader): EncoderDecoderDefinition {
  return t5(config, loader, manyLanguages);
}

/** Declares the weights of an `MT5EncoderModel` checkpoint. */
export function mt5Encoder(config: Config, loader: WeightLoader): SequenceDefinition {
  return t5Encoder(config, loader, manyLanguages);
}

/** Declares the weights of a `UMT5…` checkpoint with a decoder. */
export function umt5(config: Config, loader: WeightLoader): EncoderDecoderDefinition {
  return t5(config, loader, ownBiases);
}

/** Declares the weights of a `UMT5EncoderModel` checkpoint. */
export function umt5Encoder(config: Config, loader: WeightLoader): SequenceDefinition {
  return t5Encoder(config, loader, ownBiases);
}
