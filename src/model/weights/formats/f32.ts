// 32-bit floats, what is trained and what kernels compute in.

import { asFloat32, float64ToFloat32 } from '../../../source/float16.ts';
import type { WeightFormat } from './format.ts';

export const f32: WeightFormat = {
  name: 'f32',
  reads: { F32: asFloat32, F64: float64ToFloat32 },
  same: 'F32',
  encode: (values) => values,
};
