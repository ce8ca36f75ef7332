// Vectors of sound: two convolutions over its features, the second of which takes every other step, with the positions
// of what is left ("Robust Speech Recognition via Large-Scale Weak Supervision", Radford et al., 2022, arXiv 2212.04356,
// §2.2).

import type { Tensor } from '../../runtime/tensor.ts';
import { add } from '../../shaders/elementwise/add.ts';
import { dropout } from '../../shaders/elementwise/dropout.ts';
import { embedding } from '../../shaders/embedding/embedding.ts';
import { augment, type Augmentation } from './augmentation.ts';
import { type Convolution, convolve } from './convolution.ts';

export interface SoundEmbeddings {
  /** Of features, `bins` a frame. */
  readonly bins: number;
  /** Frames of a window. */
  readonly frames: number;
  readonly first: Convolution;
  readonly second: Convolution;
  /** (S, d_model), S steps of a window */
  readonly positions: Tensor;
  /** Rate of dropout in training; none when absent. */
  readonly dropout?: number;
  /** What is masked in training; nothing when absent. */
  readonly augmentation?: Augmentation | undefined;
}

/** features: (B, bins, frames); steps: u32 (B, S), from 0 on in each row. Result: (B, S, d_model). */
export function embedSound(
  features: Tensor,
  steps: Tensor,
  { first, second, positions, dropout: rate = 0, augmentation: given }: SoundEmbeddings,
): Tensor {
  const augmented = augment(features, given, { time: 'columns' });
  const inner = convolve(augmented, first, { activation: 'gelu', label: 'first convolution' });
  const heard = convolve(inner, second, {
    channelsLast: true,
    activation: 'gelu',
    label: 'second convolution',
  });
  return dropout(add(heard, embedding(steps, positions)), rate);
}
