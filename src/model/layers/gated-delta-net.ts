// The layer of "Gated Delta Networks" (Yang et al., 2024, arXiv 2412.06464, §3.4, Figure 1) as Qwen3.5 has it: a short
// convolution, the gated delta rule, a norm that gates follow.

import type { Tensor } from '../../runtime/tensor.ts';
import { type DeltaHeads, deltaWidth, gatedDelta } from '../../shaders/recurrence/gated-delta.ts';
import { gatedNorm } from '../../shaders/recurrence/gated-norm.ts';
import {
  shortConvolution,
  type ShortConvolution,
} from '../../shaders/recurrence/short-convolution.ts';
import type { Linear } from '../weights/linear-weights.ts';
import { linear } from './linear.ts';
import type { MemorySizes, MixOptions, TokenMixer } from './token-mixer.ts';
import { visibleRows } from './visible-rows.ts';

/** Plain data in public fields, as of heads. */
export class GatedDeltaNet implements TokenMixer {
  readonly memory: MemorySizes;
  readonly heads: DeltaHeads;
  /** Queries, keys and values, gates of the output, and of the state, what is learned before what is forgotten. */
  readonly input: Linear;
  readonly convolution: ShortConvolution;
  /** (2 · heads): see `GatedDeltaOptions`. */
  readonly rates: Tensor;
  readonly norm: { readonly weight: Tensor; readonly eps: number };
  /** (d_model, heads · valueSize) */
  readonly output: Linear;

  constructor(parts: Omit<GatedDeltaNet, 'memory' | 'record'>) {
    const { weight } = parts.convolution;
    const width = deltaWidth(parts.heads) + weight.size(0) * weight.size(1);
    this.memory = { dtype: 'f32', width, places: 1 };
    this.heads = parts.heads;
    this.input = parts.input;
    this.convolution = parts.convolution;
    this.rates = parts.rates;
    this.norm = parts.norm;
    this.output = parts.output;
  }

  record(x: Tensor, options: MixOptions): Tensor {
    const { heads, convolution, norm } = this;
    const { memory, residual } = options;
    const tensor = linear(visibleRows(x, options), this.input, { label: 'state input' });
    const [columns, values] = [convolution.weight.size(0), heads.heads * heads.valueSize];
    // The states come first, then what the convolution saw.
    const seen = memory && { ...memory, start: deltaWidth(heads) };
    const mixed = shortConvolution(tensor, convolution, seen);
    const gates = { tensor, start: columns + values };
    const read = gatedDelta(mixed, { ...heads, gates, rates: this.rates }, memory);
    const normed = gatedNorm(read, { ...norm, gate: { tensor, start: columns } });
    return linear(normed, this.output, { residual, label: 'state output' });
  }
}
