// Whether config.json says that weights are quantized.

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
