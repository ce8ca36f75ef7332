// LFM2's gated short convolution (arXiv 2511.23404, §2): (B, C, h) = Linear(x); y = Linear(C ⊗ Conv(B ⊗ h)).

import type { Tensor } from '../../runtime/tensor.ts';
import {
  shortConvolution,
  type ShortConvolution,
} from '../../shaders/recurrence/short-convolution.ts';
import type { Linear } from '../weights/linear-weights.ts';
import { linear } from './linear.ts';
import type { MemorySizes, MixOptions, TokenMixer } from './token-mixer.ts';
import { visibleRows } from './visible-rows.ts';

/** Plain data in public fields, as of heads. */
export class GatedConvolution implements TokenMixer {
  readonly memory: MemorySizes;
  /** (3 · d_model, d_model): B, C and h */
  readonly input: Linear;
  readonly convolution: ShortConvolution;
  /** (d_model, d_model) */
  readonly output: Linear;

  constructor({ input, convolution, output }: Omit<GatedConvolution, 'memory' | 'record'>) {
    const { weight } = convolution;
    this.memory = { dtype: 'f32', width: weight.size(0) * weight.size(1), places: 1 };
    this.input = input;
    this.convolution = convolution;
    this.output = output;
  }

  record(x: Tensor, options: MixOptions): Tensor {
    const parts = linear(visibleRows(x, options), this.input, { label: 'gates and input' });
    const seen = shortConvolution(parts, { ...this.convolution, isGated: true }, options.memory);
    return linear(seen, this.output, { residual: options.residual, label: 'convolution output' });
  }
}
