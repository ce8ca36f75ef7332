// Samples of sound as models take them that convolve them.

import { TransformerError } from '../../runtime/errors.ts';
import { windowCount, type Windowing } from '../../shaders/audio/windows.ts';
import type { InputShape } from './input-stage.ts';
import { type DenseTensor, denseTensor, type TokenBatch, tokenBatch } from './inputs.ts';

type Strides = Omit<Windowing, 'padding'>;

/** Samples of sounds, (B, samples), checked. @throws TransformerError INPUT_INVALID */
export function soundSamples(value: unknown): DenseTensor {
  const samples = denseTensor('inputValues', value, 2);
  const wrong = samples.data.findIndex((sample) => !Number.isFinite(sample));
  if (wrong < 0) return samples;
  throw new TransformerError(
    'INPUT_INVALID',
    `inputValues[${wrong}] is no finite number. Look at the samples of the sound.`,
  );
}

/** Which samples are a sound's own; undefined where all are. @throws TransformerError INPUT_INVALID */
export function samplesMask(
  given: unknown,
  { shape: [batch = 0, count = 0] }: DenseTensor,
): TokenBatch | undefined {
  if (given === undefined) return undefined;
  const mask = tokenBatch('attentionMask', given, 0, 2);
  if (mask.batch === batch && mask.length === count) return mask;
  throw new TransformerError(
    'INPUT_INVALID',
    `attentionMask is ${mask.batch} × ${mask.length}, but inputValues is ${batch} × ${count}. ` +
      'They must have the same shape.',
  );
}

/** Vectors that convolutions, one after the other, make of so many samples; less than 1 where they are too few. */
export function vectorCount(samples: number, convolutions: readonly Windowing[]): number {
  return convolutions.reduce(windowCount, samples);
}

/** The samples of which convolutions, one after the other, make so many vectors. */
function samplesOf(vectors: number, convolutions: readonly Strides[]): number {
  return convolutions.reduceRight(
    (count, { size, stride }) => (count - 1) * stride + size,
    vectors,
  );
}

/** The shape of a sound of a few vectors. */
export function shortSound(convolutions: readonly Strides[]): InputShape {
  const length = 16;
  return { batch: 1, length, size: [1, samplesOf(length, convolutions)] };
}

/** The error of a sound of which convolutions make no vector. */
export function tooShort(sound: number, convolutions: readonly Strides[]): TransformerError {
  const least = samplesOf(1, convolutions);
  return new TransformerError(
    'INPUT_INVALID',
    `Sound ${sound} is too short: this model takes at least ${least} samples. Fill it up with silence.`,
  );
}
