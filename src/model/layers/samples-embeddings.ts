// Vectors of sound from its samples: three convolutions over time, "with strides of 64, 3, and 2", and a norm of all that
// the first one hears ("Moonshine", Jeffries et al., 2024, arXiv 2410.15608, §3.1).

import type { Tensor } from '../../runtime/tensor.ts';
import { type ChannelWeights, groupNorm } from '../../shaders/rows/group-norm.ts';
import { type Convolution, convolve } from './convolution.ts';

export interface SamplesEmbeddings {
  readonly convolutions: readonly [first: Convolution, second: Convolution, third: Convolution];
  /** Behind the first convolution: of all channels at all times, with weights for each channel. */
  readonly norm: ChannelWeights & { readonly eps: number };
}

/** samples: (B, 1, samples). Result: (B, T, d_model). */
export function embedSamples(
  samples: Tensor,
  { convolutions: [first, second, third], norm }: SamplesEmbeddings,
): Tensor {
  const heard = convolve(samples, first, { activation: 'tanh', label: 'first convolution' });
  const normed = groupNorm(heard, { groups: 1, affine: norm, eps: norm.eps });
  const options = { channelsLast: true, activation: 'gelu' } as const;
  const inner = convolve(normed, second, { ...options, label: 'second convolution' });
  return convolve(inner, third, { ...options, label: 'third convolution' });
}
