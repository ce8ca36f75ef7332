// Pegasus (Zhang et al., 2019, arXiv 1912.08777), which writes summaries: BART in pre-norm form with the sinusoidal
// positions that Marian has, and no norm after the embeddings.

import type { Config } from '../../config.ts';
import type { EncoderDecoderDefinition } from '../../definitions.ts';
import { headName } from '../../heads/head-name.ts';
import { preNorm } from '../../layers/block.ts';
import { sinusoidalPositions } from '../../layers/positional-encoding.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { bartModel } from './bart-model.ts';

/** Declares the weights of a `Pegasus…` checkpoint, the head as `architectures` says. */
export function pegasus(config: Config, loader: WeightLoader): EncoderDecoderDefinition {
  if (!['ConditionalGeneration', 'Model'].includes(headName(config))) {
    config.refuse('architectures');
  }
  return bartModel(config, loader, {
    block: preNorm,
    finalNorm: 'layer_norm',
    positions: ({ maxPositions, dModel }) => {
      const values = sinusoidalPositions(maxPositions, dModel, 'halves');
      const table = loader.computed('positions', [maxPositions, dModel], values);
      return () => ({ table });
    },
  });
}
