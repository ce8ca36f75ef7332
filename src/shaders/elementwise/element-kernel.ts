// Kernels that treat all elements alike are written once, in terms of `Element`: one number, or four
// neighbours where sizes allow it (element-*.wgsl).

import type { kernel, Kernel } from '../../runtime/kernel.ts';
import { element1, element4 } from '../snippets.ts';

type Declaration = Parameters<typeof kernel>[0];

/** What there is for single elements, and for four at a time. */
export interface Widths<T> {
  readonly singly: T;
  readonly fours: T;
}

/** Declares a kernel in both widths by means of `declare`. */
export function inBothWidths<T>(
  declaration: Declaration,
  declare: (declaration: Declaration) => T,
): Widths<T> {
  const { name, operation = name, entry = name.replaceAll('-', '_'), code } = declaration;
  const shared = { ...declaration, operation, entry };
  return {
    singly: declare({ ...shared, code: [element1, ...code] }),
    fours: declare({ ...shared, name: `${name}-fours`, code: [element4, ...code] }),
  };
}

/** Elements taken at once where rows, or whole tensors, are `length` long. */
export function widthOf(length: number): 1 | 4 {
  return length % 4 === 0 ? 4 : 1;
}

export function formOfWidth<T>({ singly, fours }: Widths<T>, width: 1 | 4): T {
  return width === 4 ? fours : singly;
}

/** The form for `size` elements in rows of `length`, and its workgroups, of 64 invocations. */
export function elementForm(
  forms: Widths<Kernel>,
  size: number,
  length: number = size,
): { kernel: Kernel; workgroups: number } {
  const width = widthOf(length);
  return { kernel: formOfWidth(forms, width), workgroups: Math.ceil(size / width / 64) };
}
