// Whether config.json says that weights are quantized. What it says is read where it does.

import type { TensorEntry } from '../../source/safetensors.ts';
import type { Config } from '../config.ts';

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

/** Refuses settings of a quantization that is not supported, before any weight is looked at. */
export async function checkQuantized(config: Config): Promise<void> {
  if (isQuantized(config)) (await import('./quantized/methods.ts')).layoutOf(config);
}

/**
 * The tensors of a checkpoint; each matrix that is quantized, which is several of the files' tensors, as one.
 * @throws TransformerError MODEL_UNSUPPORTED, CONFIG_INVALID, FILE_INVALID
 */
export async function weightsOf(
  entries: ReadonlyMap<string, TensorEntry>,
  config: Config,
): Promise<ReadonlyMap<string, TensorEntry>> {
  if (!isQuantized(config)) return entries;
  return (await import('./quantized/methods.ts')).withPacked(entries, config);
}

function isQuantized({ fields }: Config): boolean {
  return quantizationFields.some((field) => isGiven(fields[field]));
}
