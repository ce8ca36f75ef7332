// Samples of sound.

import { TransformerError } from '../runtime/errors.ts';

/** Refuses sound that nothing can be made of. Errors: INPUT_INVALID. */
export function checkSamples(data: Float32Array): void {
  if (data.length === 0) {
    throw new TransformerError('INPUT_INVALID', 'The sound is empty: it has no samples.');
  }
  const wrong = data.findIndex((sample) => !Number.isFinite(sample));
  if (wrong < 0) return;
  throw new TransformerError(
    'INPUT_INVALID',
    `Sample ${wrong} of the sound is no finite number; wanted numbers from -1 to 1.`,
  );
}
