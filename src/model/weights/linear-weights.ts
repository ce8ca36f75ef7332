// The weights of a linear layer, through which every product of a model goes (layers/linear.ts).

import type { Tensor } from '../../runtime/tensor.ts';
import type { MatrixOptions, RowRange } from './matrix-options.ts';

/** y = xWᵀ + b: `weight` is (out, in), as in PyTorch; `bias` is (out). */
export interface Linear {
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
  /** u32 (in): the element of x that each column of `weight` belongs to; the same in order when absent. */
  readonly order?: Tensor | undefined;
  /** The layers of the checkpoint that stand in it, one below the other. */
  readonly parts: readonly LinearPart[];
  /** What an adapter adds beside the product; the weight, which it need not know, stays as it is. */
  readonly update?: LinearUpdate;
  /**
   * In training, what its weights are brought within before each pass, ±limit, as `weight.data.clamp_` does it in PyTorch;
   * what an update makes of them may lie beyond until then.
   */
  readonly limit?: number | undefined;
  /** Whether the update takes the product and its bias alone, and what else is added comes behind it. */
  readonly rescales?: boolean;
}

/** Records y with what is added to it. x: (…, in), y, which is xWᵀ + b, and result: (…, out). */
export type LinearUpdate = (y: Tensor, x: Tensor) => Tensor;

/** A module of the checkpoint. */
export interface LinearPart {
  /** Its name in the class of the checkpoint, which a file may give its weight in part only. */
  readonly name: string;
  /** Its first row in the weight, and how many it has. */
  readonly first: number;
  readonly out: number;
  /** Whether the checkpoint has it as (in, out), as a `Conv1D`. */
  readonly transposed: boolean;
}

/** Modules below each other, of so many rows each. */
export function partsOf(
  names: readonly string[],
  sizes: readonly number[],
  transposed: boolean = false,
): LinearPart[] {
  let end = 0;
  return names.map((name, index) => {
    const first = end;
    end += sizes[index] ?? 0;
    return { name, first, out: end - first, transposed };
  });
}

/** A layer of one module. */
export function oneLinear(name: string, weight: Tensor, bias?: Tensor): Linear {
  return { weight, bias, parts: partsOf([name], [weight.size(0)]) };
}

/** A size for each of `count` names. */
export function sizesOf(size: number | readonly number[], count: number): readonly number[] {
  return typeof size === 'number' ? Array<number>(count).fill(size) : size;
}

/** The rows that are taken of one of several names, where not all are. */
export function partOf(part: MatrixOptions['part'], index: number): RowRange | undefined {
  return part && ('first' in part ? part : part[index]);
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
