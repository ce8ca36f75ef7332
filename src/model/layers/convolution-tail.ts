// A convolution over the input of a layer, joined with its output: "nGiE", DeBERTa's version 2 ("convolution layer …
// aside with the first transformer layer").

import type { Tensor } from '../../runtime/tensor.ts';
import { dropout } from '../../shaders/elementwise/dropout.ts';
import { joinColumns } from '../../shaders/elementwise/join-columns.ts';
import { activate } from '../../shaders/matmul/gates/activate.ts';
import type { Activation } from '../../shaders/matmul/matmul.ts';
import { normalize, type NormWeights } from '../../shaders/rows/norm.ts';
import type { Linear } from '../weights/linear-weights.ts';
import { overWindows } from './convolution.ts';
import { linear } from './linear.ts';
import type { AroundLayer } from './stack.ts';

interface ConvolutionParts {
  /** (d_model / groups, d_model / groups · size) of each group of channels. */
  readonly groups: readonly Linear[];
  /** Steps that it sees, an odd number. */
  readonly size: number;
  readonly activation: Activation;
  readonly norm: NormWeights;
}

/** LayerNorm(output + activation(W ∗ given + b)). Padding must be 0 in what is given. */
export class ConvolutionTail implements AroundLayer {
  readonly parts: ConvolutionParts;

  constructor(parts: ConvolutionParts) {
    this.parts = parts;
  }

  record(
    given: Tensor,
    sublayers: (x: Tensor) => Tensor,
    { rate }: { readonly rate: number },
  ): Tensor {
    const output = sublayers(given);
    const { groups, size, activation, norm } = this.parts;
    const count = given.size(-1) / groups.length;
    const windowing = { size, stride: 1, padding: (size - 1) / 2, channelsLast: true };
    const columns = groups.map((weights, group) => {
      const channels = { first: group * count, count };
      return overWindows(given, { ...windowing, channels }, (cut) =>
        linear(cut, weights, { label: 'convolution' }),
      );
    });
    const [first, ...others] = columns;
    if (first === undefined) throw new RangeError('a convolution of no channels');
    const all = others.length === 0 ? first : joinColumns([first, ...others], 'convolution');
    const heard = activate(dropout(all, rate), activation);
    return normalize(output, norm, { residual: heard });
  }
}
