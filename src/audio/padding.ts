// Sounds of one length, by the rules of `SequenceFeatureExtractor.pad`.

import { TransformerError } from '../runtime/errors.ts';
import { limitError } from '../runtime/limits.ts';
import type { FeatureOptions } from './feature-options.ts';

interface PaddedLengths {
  /** Of all sounds, in samples. */
  readonly length: number;
  /** What of this is each one's own. */
  readonly own: readonly number[];
}

/**
 * `limit`: bytes that all may have together. Errors: OPTION_INVALID where a length is missing, INPUT_INVALID for
 * sounds that stay unlike, LIMIT_EXCEEDED.
 */
export function paddedLengths(
  sounds: readonly Float32Array[],
  options: FeatureOptions,
  limit: number,
): PaddedLengths {
  const lengths = lengthsOf(sounds, options);
  const size = 4 * sounds.length * lengths.length;
  if (size > limit) throw limitError({ label: 'The sound', size, limit }, 'results');
  return lengths;
}

function lengthsOf(
  sounds: readonly Float32Array[],
  { padding = 'longest', maxLength, truncation = false, padToMultipleOf = 1 }: FeatureOptions,
): PaddedLengths {
  const rounded = (length: number): number => Math.ceil(length / padToMultipleOf) * padToMultipleOf;
  if (maxLength === undefined && (truncation || padding === 'max_length')) {
    const what = truncation ? 'truncation: true' : "padding: 'max_length'";
    throw new TransformerError('OPTION_INVALID', `${what} asks for maxLength. Pass it, too.`);
  }
  const most = truncation ? rounded(maxLength ?? Infinity) : Infinity;
  const own = sounds.map((sound) => Math.min(sound.length, most));
  const longest = Math.max(...own);
  if (padding === 'longest') return { length: rounded(longest), own };
  const length = padding === 'max_length' ? rounded(maxLength ?? longest) : longest;
  const wrong = own.findIndex((each) => (padding === 'max_length' ? each > length : each < length));
  if (wrong < 0) return { length, own };
  throw new TransformerError(
    'INPUT_INVALID',
    `Sound ${wrong} has ${own[wrong]} samples and not ${length}: a batch has one length. ` +
      "Pass truncation: true, or padding: 'longest'.",
  );
}

/** A sound with padding behind it; one of that length as it is. */
export function padTo(
  length: number,
  sound: Float32Array,
  value: number,
): Float32Array<ArrayBuffer> {
  const padded = new Float32Array(length).fill(value);
  padded.set(sound);
  return padded;
}
