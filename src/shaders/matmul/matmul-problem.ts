// A matrix product: its operands, what decides about the kernel that it gets, and that kernel.

import type { Constants, Kernel } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import type { Activation } from './matmul-declare.ts';

/** A kernel with its switches, as chosen for one product. */
export interface Form {
  readonly kernel: Kernel;
  readonly constants: Constants;
  readonly workgroups: number;
}

/**
 * One product: y = activation(x·W + bias) + residual, W being (columns, depth) when transposed.
 * When gated, W and bias are twice as wide: y = activation(x·Wᵍ + biasᵍ) · (x·Wᵘ + biasᵘ).
 */
export interface Product {
  readonly x: Tensor;
  readonly weight: Tensor;
  readonly bias?: Tensor | undefined;
  readonly residual?: Tensor | undefined;
  readonly activation?: Activation;
  /** Only in forms that have the switch, and without residual. Forms count all columns of W. */
  readonly gated?: boolean;
  readonly transposed: boolean;
  readonly batches: number;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  /** Elements from one row of W to the next, and from one batch's W to the next one's. */
  readonly pitch: number;
  readonly weightStride: number;
  /** The same for the rows of x and y in memory, where these are columns of larger matrices. */
  readonly xPitch?: number;
  readonly yPitch?: number;
  /** Whether x is (depth, rows) in memory, for kernels that can read it so. */
  readonly xTransposed?: boolean;
  readonly y: Tensor;
}

/** What decides about the form. */
export type Problem = Omit<
  Product,
  'x' | 'weight' | 'bias' | 'residual' | 'y' | 'activation' | 'gated'
> & { readonly weight: Pick<Tensor, 'dtype'> };

/** Elements from one row in memory to the next: by default they follow each other. */
export function pitches(problem: Problem): { x: number; y: number } {
  const { rows, columns, depth, xTransposed = false } = problem;
  const { xPitch = xTransposed ? rows : depth, yPitch = columns } = problem;
  return { x: xPitch, y: yPitch };
}
