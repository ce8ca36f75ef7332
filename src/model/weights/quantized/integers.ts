// Codes of whole numbers that words hold without crossing.

import type { Config } from '../../config.ts';

/** Bits of a code, as a field says. @throws TransformerError MODEL_UNSUPPORTED, CONFIG_INVALID */
export function packedIntegers(settings: Config, field: string): 2 | 4 | 8 {
  const bits = settings.integer(field);
  if (bits === 2 || bits === 4 || bits === 8) return bits;
  return settings.refuse(field, '2, 4 or 8');
}
