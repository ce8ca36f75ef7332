// The numbers that codes of 4 bits stand for, in formats that have a table.

import type { Codes } from '../runtime/dtype.ts';

/** Magnitudes, then the same below zero. */
function signed(sizes: readonly number[]): readonly number[] {
  return [...sizes, ...sizes.map((size) => -size)];
}

export const codeTables: Partial<Record<Codes, readonly number[]>> = {
  // "QLoRA: Efficient Finetuning of Quantized LLMs" (Dettmers et al., 2023, arXiv 2305.14314), appendix E.
  nf4: [
    -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
    -0.18477343022823334, -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725,
    0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
    0.7229568362236023, 1,
  ],
  // bitsandbytes' 4-bit floats: twelfths of these.
  fp4: signed([0, 0.0625, 8, 12, 4, 6, 2, 3].map((size) => size / 12)),
  // "OCP Microscaling Formats (MX) Specification" 1.0, section 5.3.3: E2M1.
  mxfp4: signed([0, 0.5, 1, 1.5, 2, 3, 4, 6]),
};
