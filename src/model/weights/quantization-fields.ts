// Whether config.json says that weights are quantized. What it says is read where it does.

import type { JsonObject } from '../../source/json.ts';

/** Fields with the settings of a quantization: of Hugging Face's methods, their older ones, and of MLX. */
export const quantizationFields: readonly string[] = [
  'quantization_config',
  'quantization',
  'compression_config',
];

/** Whether a field says anything. */
export function isGiven(value: unknown): boolean {
  const isEmpty = typeof value === 'object' && Object.keys(value ?? {}).length === 0;
  return value !== undefined && value !== false && !isEmpty;
}

/** Refuses quantized weights by their method, `file` for messages. Errors: MODEL_UNSUPPORTED. */
export async function refuseQuantized(config: JsonObject, file: string): Promise<void> {
  if (!quantizationFields.some((field) => isGiven(config[field]))) return;
  throw (await import('./quantized.ts')).quantizedConfig(config, file);
}
