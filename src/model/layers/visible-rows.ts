// Tokens as layers with a state see them: padding is 0.

import type { Tensor } from '../../runtime/tensor.ts';
import { maskRows } from '../../shaders/elementwise/mask-rows.ts';
import { hideRows } from '../../shaders/recurrence/hide-rows.ts';
import type { MixOptions } from './token-mixer.ts';

/** x and result: (B, T, d_model). A token alone that goes on from others is no padding. */
export function visibleRows(x: Tensor, { mask, memory }: MixOptions): Tensor {
  if (mask !== undefined) return maskRows(x, mask);
  return memory === undefined || x.size(1) === 1 ? x : hideRows(x, memory);
}
