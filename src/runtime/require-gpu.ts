// Devices that callers pass.

import { isA, TransformerError } from './errors.ts';
import { Gpu } from './gpu.ts';

/** Errors: OPTION_INVALID for what is no Gpu. */
export function requireGpu(given: unknown): asserts given is Gpu {
  if (isA(given, Gpu)) return;
  throw new TransformerError('OPTION_INVALID', 'gpu is no Gpu. Pass await Gpu.request().');
}
