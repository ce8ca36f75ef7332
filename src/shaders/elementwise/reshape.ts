// The same numbers in another shape. Nothing is computed.

import { TransformerError } from '../../runtime/errors.ts';
import { windowOf } from '../../runtime/parts.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import type { Traced } from '../traces.ts';

export type ReshapeEntry = Traced<'reshape', { readonly x: Tensor }>;

/**
 * x in another shape of as many elements.
 * @throws TransformerError TENSOR_MISMATCH where it has more or fewer
 */
export function reshape(x: Tensor, shape: readonly number[]): Tensor {
  if (elements(shape) !== elements(x.shape)) {
    throw new TransformerError(
      'TENSOR_MISMATCH',
      `reshape: ${x.describe()} has not as many elements as (${shape.join(', ')}).`,
    );
  }
  const y = windowOf(x, 0, { shape });
  x.recording.differentiate({
    op: 'reshape',
    output: y,
    inputs: [x],
    trace: { x },
  } satisfies ReshapeEntry);
  return y;
}
