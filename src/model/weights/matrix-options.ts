// How a matrix of a checkpoint is declared.

import type { Tensor } from '../../runtime/tensor.ts';

/** A part of a stored tensor: rows (or elements of a vector) from `first` on, of `rows` it has. */
export interface RowRange {
  readonly first: number;
  readonly rows: number;
}

export interface MatrixOptions {
  /** Takes these rows of a stored matrix that has more; of several names, these of each, as many. */
  readonly part?: RowRange | readonly RowRange[] | undefined;
  /** Whether it is stored as (columns, rows), as GPT-2's are. */
  readonly transposed?: boolean;
  /** The storage format, whatever the user asks for. */
  readonly dtype?: 'f32';
  /**
   * The shape that a file has it in, where that is another one of as many rows; of several matrices below each other, of
   * which each is transposed by itself, (matrices, columns, rows). `rows`: of one name.
   */
  readonly stored?: (rows: number) => readonly number[];
  /** Whether whoever reads the rows goes by the order of their columns, see `Linear`. */
  readonly ordered?: boolean;
}

export interface LinearOptions extends Pick<
  MatrixOptions,
  'transposed' | 'stored' | 'part' | 'dtype'
> {
  /** Whether it has one, or each of several; true when absent. */
  readonly bias?: boolean | readonly boolean[];
}

/** With where that order is noted. */
export interface FillOptions extends MatrixOptions {
  readonly order?: Tensor | undefined;
}
