// M2M-100 (Fan et al., 2020, arXiv 2010.11125) and NLLB (Costa-jussà et al., 2022, arXiv 2207.04672), which translate
// between any two of their languages: pre-norm, with Tensor2Tensor's positions, which count from behind the id of the
// padding token and leave padding out.

import type { Config } from '../../config.ts';
import type { EncoderDecoderDefinition } from '../../definitions.ts';
import { headName } from '../../heads/head-name.ts';
import { preNorm } from '../../layers/block.ts';
import { tensor2tensorPositions } from '../../layers/tensor2tensor-positions.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { bartModel } from './bart-model.ts';

/** Declares the weights of an `M2M100…` checkpoint, the head as `architectures` says. */
export function m2m100(config: Config, loader: WeightLoader): EncoderDecoderDefinition {
  if (!['ConditionalGeneration', 'Model'].includes(headName(config))) {
    config.refuse('architectures');
  }
  const paddingToken = config.integer('pad_token_id', 1, 0);
  return bartModel(config, loader, {
    block: preNorm,
    finalNorm: 'layer_norm',
    layerDrop: 0.05,
    paddingToken,
    positions: ({ maxPositions, dModel }) => {
      const rows = maxPositions + paddingToken + 1;
      const values = tensor2tensorPositions(rows, dModel);
      values.fill(0, paddingToken * dModel, (paddingToken + 1) * dModel);
      const table = loader.computed('positions', [rows, dModel], values);
      return () => ({ table });
    },
  });
}
