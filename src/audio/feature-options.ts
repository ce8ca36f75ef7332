// What a call of a feature extractor takes.

import { checkFlags, isA, refuseUnknown, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import { checkSamples } from './samples.ts';

/** How features are made. */
export interface FeatureOptions {
  /**
   * Shorter sounds are filled up to the longest of the batch (default for samples) or to `maxLength` (default for
   * spectrograms); `do_not_pad` takes sounds of one length.
   */
  padding?: 'longest' | 'max_length' | 'do_not_pad';
  /** In samples; the model's window, 30 seconds say, for spectrograms. */
  maxLength?: number;
  /** Whether longer sounds are cut to `maxLength`; only spectrograms are unless this says so. */
  truncation?: boolean;
  /** Lengths become multiples of so many samples. */
  padToMultipleOf?: number;
  /** Whether the result says what is padding; as the files say when absent. */
  returnAttentionMask?: boolean;
  /** Whether sounds are brought to zero mean and unit variance; as the files say when absent. */
  doNormalize?: boolean;
  /** Cancels the call, which then rejects with `ABORTED`. */
  signal?: AbortSignal;
}

const names = [
  'padding',
  'maxLength',
  'truncation',
  'padToMultipleOf',
  'returnAttentionMask',
  'doNormalize',
  'signal',
];
const paddings = ['longest', 'max_length', 'do_not_pad'];

/** Errors: OPTION_UNKNOWN, OPTION_INVALID. */
export function checkFeatureOptions(options: FeatureOptions): void {
  refuseUnknown(options, names, 'option of features');
  checkFlags(options, 'truncation', 'returnAttentionMask', 'doNormalize');
  const { padding = 'longest', maxLength = 1, padToMultipleOf = 1 } = options;
  if (!paddings.includes(padding)) throw wrong('padding', padding, paddings.join(' or '));
  const whole = 'a whole number of samples, at least 1';
  if (!isCount(maxLength)) throw wrong('maxLength', maxLength, whole);
  if (!isCount(padToMultipleOf)) throw wrong('padToMultipleOf', padToMultipleOf, whole);
}

/** One sound or several, as a list. Errors: INPUT_INVALID. */
export function checkSounds(samples: unknown): Float32Array[] {
  const sounds: unknown[] = Array.isArray(samples) ? Array.from<unknown>(samples) : [samples];
  if (sounds.length === 0) throw new TransformerError('INPUT_INVALID', 'There is no sound.');
  return sounds.map((sound) => {
    if (!isA(sound, Float32Array)) {
      throw new TransformerError(
        'INPUT_INVALID',
        `The sound is ${show(sound)}; wanted a Float32Array of samples, which readAudio gives.`,
      );
    }
    checkSamples(sound);
    return sound;
  });
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}

function wrong(name: string, value: unknown, wanted: string): TransformerError {
  return new TransformerError('OPTION_INVALID', `${name} is ${show(value)}; wanted ${wanted}.`);
}
