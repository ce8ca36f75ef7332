// LayerScale, "Going deeper with Image Transformers" (Touvron et al., 2021, arXiv 2103.17239), §2: each column
// of what a sub-layer adds has a factor.

import type { Tensor } from '../../runtime/tensor.ts';
import { columnScale } from '../../shaders/elementwise/column-scale.ts';
import { dropPath, drops, dropout } from '../../shaders/elementwise/dropout.ts';
import { type Block, normOf, outputOf, pointOf, type Sublayer } from './block.ts';

/**
 * x + λ ⊙ Sublayer(LayerNorm(x)), λ being the `scale` of the norm. In training what is added is dropped for whole samples at
 * the rate `path`: DINOv2's stochastic depth.
 */
export function droppingScaledPreNorm(path: number): Block {
  return (x, sublayers, rate = 0) =>
    sublayers.reduce(
      (sum, sublayer) => pointOf(sublayer, 'residual', addedTo(sum, sublayer, { rate, path })),
      x,
    );
}

/** The same, of which no samples are dropped. */
export const scaledPreNorm: Block = droppingScaledPreNorm(0);

/** Rates of dropout: of single elements, and of whole samples. */
interface Rates {
  readonly rate: number;
  readonly path: number;
}

function addedTo(sum: Tensor, sublayer: Sublayer, { rate, path }: Rates): Tensor {
  const { scale } = sublayer.norm;
  if (scale === undefined) throw new RangeError('scaledPreNorm: a norm without a scale');
  const y = outputOf(sublayer, normOf(sublayer, sum));
  const { recording } = sum;
  if (drops(recording, path)) return dropPath(dropout(columnScale(y, scale), rate), path, sum);
  if (!drops(recording, rate)) return columnScale(y, scale, { residual: sum });
  return dropout(columnScale(y, scale), rate, { residual: sum });
}
