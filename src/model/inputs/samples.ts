// Samples of sound as models take them that convolve them.

import { TransformerError } from '../../runtime/errors.ts';
import { windowCount, type Windowing } from '../../shaders/audio/windows.ts';
import { type DenseTensor, denseTensor, type TokenBatch, tokenBatch } from './inputs.ts';

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

/** The error of a sound of which convolutions make no vector. */
export function tooShort(
  sound: number,
  convolutions: readonly Omit<Windowing, 'padding'>[],
): TransformerError {
  const least = convolutions.reduceRight(
    (count, { size, stride }) => (count - 1) * stride + size,
    1,
  );
  return new TransformerError(
    'INPUT_INVALID',
    `Sound ${sound} is too short: this model takes at least ${least} samples. Fill it up with silence.`,
  );
}
