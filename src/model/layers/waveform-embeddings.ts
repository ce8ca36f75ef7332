// Vectors of sound from its samples: convolutions over time, each with a norm or the first alone, a projection, and
// positions that a last convolution, in groups of channels, makes of it ("wav2vec 2.0", Baevski et al., 2020, arXiv
// 2006.11477, §2 and appendix; the norms of each in "wav2vec 2.0 large" as Hugging Face has it).

import type { Tensor } from '../../runtime/tensor.ts';
import { add } from '../../shaders/elementwise/add.ts';
import { dropout } from '../../shaders/elementwise/dropout.ts';
import { joinColumns } from '../../shaders/elementwise/join-columns.ts';
import { maskRows } from '../../shaders/elementwise/mask-rows.ts';
import { activate } from '../../shaders/matmul/gates/activate.ts';
import { type Activation, matmul } from '../../shaders/matmul/matmul.ts';
import { groupNorm } from '../../shaders/rows/group-norm.ts';
import { type LayerNormWeights, normalize } from '../../shaders/rows/norm.ts';
import { type NormedWeights, weightNorm } from '../../shaders/rows/weight-norm.ts';
import type { Linear } from '../weights/linear-weights.ts';
import { augment, type Augmentation } from './augmentation.ts';
import { type Convolution, convolve, overWindows } from './convolution.ts';
import { linear } from './linear.ts';

/** A convolution and what follows it, before the activation. */
export interface WaveformLayer {
  readonly convolution: Convolution;
  /** Of each channel over time. */
  readonly channelNorm?: LayerNormWeights;
  /** Of all channels at a time. */
  readonly norm?: LayerNormWeights;
}

/** A convolution in groups of channels whose weights are normed. */
export interface PositionalConvolution extends NormedWeights {
  /** (d_model / groups), of each group */
  readonly biases: readonly Tensor[];
}

export interface WaveformEmbeddings {
  readonly layers: readonly WaveformLayer[];
  /** Of those convolutions, and of the positional one. */
  readonly activation: Activation;
  /** Before the projection; none in some. */
  readonly projectionNorm: LayerNormWeights | undefined;
  readonly projection: Linear;
  readonly positions: PositionalConvolution;
  /** Behind the positions, where layers have their norms behind their sub-layers. */
  readonly norm: LayerNormWeights | undefined;
  /** Rates of dropout in training: of the projections, and of what the layers take. */
  readonly dropout: number;
  readonly placedDropout: number;
  /** What is masked in training, and what stands there, (d_model); zeros when absent. */
  readonly augmentation: Augmentation | undefined;
  readonly masked: Tensor | undefined;
}

/** samples: (B, 1, samples); mask: u32 (B, T), 0 = padding, which is silent. Result: (B, T, d_model). */
export function embedWaveform(samples: Tensor, mask: Tensor, sound: WaveformEmbeddings): Tensor {
  const { layers, activation, projectionNorm, projection, positions, norm } = sound;
  const heard = layers.reduce(
    (x, layer, index) => hear(x, layer, { channelsLast: index > 0, activation }),
    samples,
  );
  const normed = projectionNorm === undefined ? heard : normalize(heard, projectionNorm);
  const projected = dropout(linear(normed, projection, { label: 'projection' }), sound.dropout);
  const { augmentation: given, masked: fill } = sound;
  const augmented = augment(projected, given, { time: 'rows', mask, fill });
  const states = maskRows(augmented, mask);
  const placed = add(states, positionsOf(states, positions, activation));
  return dropout(norm === undefined ? placed : normalize(placed, norm), sound.placedDropout);
}

interface HearOptions {
  readonly channelsLast: boolean;
  readonly activation: Activation;
}

/** One convolution. Result, with channels last: (B, N, out). */
function hear(
  x: Tensor,
  { convolution, channelNorm, norm }: WaveformLayer,
  { channelsLast, activation }: HearOptions,
): Tensor {
  const label = 'convolution';
  if (channelNorm === undefined && norm === undefined) {
    return convolve(x, convolution, { channelsLast, activation, label });
  }
  let y = convolve(x, convolution, { channelsLast, label });
  if (channelNorm !== undefined) y = groupNorm(y, { affine: channelNorm, eps: channelNorm.eps });
  if (norm !== undefined) y = normalize(y, norm);
  return activate(y, activation);
}

/** What a convolution makes of the states around each time. x and result: (B, T, d_model). */
function positionsOf(
  x: Tensor,
  { biases, ...normed }: PositionalConvolution,
  activation: Activation,
): Tensor {
  const steps = normed.length.size(-1);
  const positions = (weight: Tensor, group: number): Tensor => {
    const channels = weight.size(0);
    const windowing = {
      size: steps,
      stride: 1,
      padding: Math.floor(steps / 2),
      channelsLast: true,
      channels: { first: group * channels, count: channels },
      count: x.size(1),
    };
    return overWindows(x, windowing, (cut) =>
      matmul(cut, weight, {
        transposed: true,
        bias: biases[group],
        activation,
        label: 'positions',
      }),
    );
  };
  const [first, ...others] = weightNorm(x.recording, normed);
  const rest = others.map((weight, index) => positions(weight, index + 1));
  return joinColumns([positions(first, 0), ...rest], 'positions');
}
