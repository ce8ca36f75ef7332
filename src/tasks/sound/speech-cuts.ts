// Parts of a sound that share their ends with those beside them, as Hugging Face's task cuts it.

import { roundHalfEven } from '../../model/round-half-even.ts';
import { TransformerError } from '../../runtime/errors.ts';

/** Where a sound is cut, in samples. */
export interface Cut {
  readonly first: number;
  readonly end: number;
  /** What it shares with its neighbours. */
  readonly left: number;
  readonly right: number;
}

export interface CutOptions {
  /** Seconds of a part; none are cut where it is 0 or absent. */
  readonly chunkLength?: number | undefined;
  /** Seconds that parts share with those before and behind; a sixth of `chunkLength` by default. */
  readonly stride?: number | readonly [left: number, right: number] | undefined;
}

export interface CutSizes {
  readonly samplingRate: number;
  /** Samples that a model hears at once. */
  readonly windowLength: number;
  /** Samples of which lengths are multiples. */
  readonly step: number;
}

/** The parts of a sound. Errors: OPTION_INVALID. */
export function cutsOf(
  length: number,
  { chunkLength, stride }: CutOptions,
  { samplingRate, windowLength, step }: CutSizes,
): Cut[] {
  if (!chunkLength) return [{ first: 0, end: length, left: 0, right: 0 }];
  const samples = (seconds: number): number =>
    roundHalfEven((seconds * samplingRate) / step) * step;
  const size = samples(chunkLength);
  const given = [stride ?? chunkLength / 6].flat();
  const [left = 0, right = left] = given.map(samples);
  if (size > windowLength || size <= left + right) {
    throw new TransformerError(
      'OPTION_INVALID',
      size > windowLength
        ? `chunkLength is ${chunkLength} s; this model hears ${windowLength / samplingRate} s at once. Pass less.`
        : `stride is ${given.join(' and ')} s, which leaves nothing of chunkLength, ${chunkLength} s. Pass less.`,
    );
  }
  const cuts: Cut[] = [];
  for (let first = 0; first < length; first += size - left - right) {
    const end = Math.min(length, first + size);
    const isLast = first + size >= length;
    const own = { first, end, left: first === 0 ? 0 : left, right: isLast ? 0 : right };
    if (end - first > own.left) cuts.push(own);
    if (isLast) break;
  }
  return cuts;
}
