// The gradient of scaling.

import { TransformerError } from '../../runtime/errors.ts';
import { scale } from './rescale.ts';
import type { Rule } from '../traces.ts';

/** A scaled tensor passes a scaled gradient back. Soft bounds have none yet. */
export const rescaleGradient: Rule<'rescale'> = ({ trace: { x, factor, bounded } }, dy) => {
  if (bounded) {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      'Bounded logits cannot be trained through yet.',
    );
  }
  return [[x, () => scale(dy, factor)]];
};
