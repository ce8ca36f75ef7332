// IEEE 754 binary16, two to a word.

import { asUint16, float16ToFloat32, float32ToFloat16 } from '../../../source/float16.ts';
import type { NumberRange, WeightFormat } from './format.ts';

export const halfRange: NumberRange = { most: 65504, beyond: 65520 };

export const f16: WeightFormat = {
  name: 'f16',
  reads: { F16: (bytes) => float16ToFloat32(asUint16(bytes)) },
  same: 'F16',
  range: halfRange,
  encode: float32ToFloat16,
};
