// What is drawn can be drawn again by a seed alone.

import { TransformerError } from '../runtime/errors.ts';

interface Drawing {
  readonly doSample?: unknown;
  readonly seed?: unknown;
  readonly temperature?: unknown;
}

/** Refuses to draw without a seed. Errors: OPTION_INVALID. */
export function checkSeed(
  { doSample, seed }: Drawing,
  { generationConfig = {} }: { readonly generationConfig?: Readonly<Record<string, unknown>> },
): void {
  const draws = doSample ?? generationConfig['do_sample'] ?? false;
  if (draws === false || (seed ?? undefined) !== undefined) return;
  throw new TransformerError(
    'OPTION_INVALID',
    'Tokens are drawn (doSample) without a seed, so that no call could be repeated. Pass seed, or doSample: false.',
  );
}
