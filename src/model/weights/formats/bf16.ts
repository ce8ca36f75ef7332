// The upper halves of 32-bit floats, two to a word.

import { asUint16, bfloat16ToFloat32, float32ToBfloat16 } from '../../../source/float16.ts';
import type { WeightFormat } from './format.ts';

export const bf16: WeightFormat = {
  name: 'bf16',
  reads: { BF16: (bytes) => bfloat16ToFloat32(asUint16(bytes)) },
  same: 'BF16',
  encode: float32ToBfloat16,
};
