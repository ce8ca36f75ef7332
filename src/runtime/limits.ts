// What is said where something is too large for one buffer of the device.

import { TransformerError } from './errors.ts';

const remedies = {
  results: 'Use a smaller batch or shorter sequences',
  weights: "Load with dtype: 'f16', 'int8' or 'int4', whichever is smaller than what is stored",
  parameters: 'Train an adapter (Lora) on the model as it is stored',
};

/** What a buffer is for, which decides what helps. */
export type Purpose = keyof typeof remedies;

export interface TooLarge {
  /** The tensors it is for. */
  readonly label: string;
  /** Bytes needed, and bytes that the device allows. */
  readonly size: number;
  readonly limit: number;
}

export function limitError({ label, size, limit }: TooLarge, purpose: Purpose): TransformerError {
  return new TransformerError(
    'LIMIT_EXCEEDED',
    `${label} needs ${size} bytes in one buffer; this device allows ${limit}. ` +
      `${remedies[purpose]}, or use a device with larger limits.`,
  );
}
