// Cross entropy of what a linear layer makes of x, some rows at a time: the logits of large vocabularies are never
// there as a whole ("Cut Your Losses in Large-Vocabulary Language Models", Wijmans et al. 2024, arXiv 2411.09009, §4,
// though by rows alone, and with pieces of logits in memory).

import { TransformerError } from '../../runtime/errors.ts';
import { partsOf, rowsIn, rowsOf, windowOf } from '../../runtime/parts.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { softCap } from '../elementwise/scale.ts';
import { matmul } from '../matmul/matmul.ts';
import type { Traced } from '../traces.ts';
import { appendLosses } from './cross-entropy.ts';

/** The layer: logits are xWᵀ + b, capped where there is a cap. */
export interface LogitLayer {
  /** (columns, depth), in any storage format */
  readonly weight: Tensor;
  /** (columns) */
  readonly bias?: Tensor | undefined;
  /** See `softCap`. */
  readonly softcap?: number | undefined;
}

export interface LinearCrossEntropyOptions {
  /** As for `crossEntropy`; 0 when absent. */
  readonly smoothing?: number;
  /** Rows whose logits are there together: a multiple of 64. */
  readonly rows: number;
}

export type LinearCrossEntropyEntry = Traced<
  'linear-cross-entropy',
  {
    readonly x: Tensor;
    readonly layer: LogitLayer;
    readonly label: Tensor;
    readonly smoothing: number;
    /** Rows of a piece. */
    readonly rows: number;
  }
>;

/** Some rows, and what other tensors have of them. */
export interface RowPiece {
  readonly rows: number;
  /** The rows of x, or of a tensor in the same parts. */
  readonly rowsOf: (like: Tensor) => Tensor;
  /** Those of a tensor with one element a row. */
  readonly each: (tensor: Tensor) => Tensor;
}

/**
 * `crossEntropy(softCap(matmul(x, weight, { transposed, bias })), label)`, whose gradient computes the logits once more.
 * x: (…, depth). label: one u32 a row, -100 for rows that do not count. The result: one f32 a row.
 * @throws TransformerError TENSOR_MISMATCH
 */
export function linearCrossEntropy(
  x: Tensor,
  layer: LogitLayer,
  label: Tensor,
  { smoothing = 0, rows }: LinearCrossEntropyOptions,
): Tensor {
  const { weight, bias } = layer;
  if (weight.size(-1) !== x.size(-1)) {
    throw new TransformerError(
      'TENSOR_MISMATCH',
      `linearCrossEntropy: ${x.describe()} has rows of ${x.size(-1)}, but ${weight.describe()} takes ` +
        `${weight.size(-1)}.`,
    );
  }
  const { recording } = x;
  const loss = recording.transient('loss', [rowsOf(x)]);
  recording.frozen(() => {
    for (const piece of rowPieces(x, rows)) {
      appendLosses(logitsOf(x, layer, piece), piece.each(label), piece.each(loss), smoothing);
    }
  });
  recording.differentiate({
    op: 'linear-cross-entropy',
    output: loss,
    inputs: [x, weight, bias],
    trace: { x, layer, label, smoothing, rows },
  } satisfies LinearCrossEntropyEntry);
  return loss;
}

/** The logits of a piece, (rows, columns). */
export function logitsOf(
  x: Tensor,
  { weight, bias, softcap }: LogitLayer,
  piece: RowPiece,
): Tensor {
  const y = matmul(piece.rowsOf(x), weight, { transposed: true, bias, label: 'logits' });
  return softcap === undefined ? y : softCap(y, softcap);
}

/** Pieces of so many rows, none of which goes beyond a part of x. */
export function rowPieces(x: Tensor, most: number): RowPiece[] {
  return partsOf(x).flatMap((part, index) =>
    Array.from({ length: Math.ceil(part.rows / most) }, (_, n): RowPiece => {
      const first = n * most;
      const rows = Math.min(most, part.rows - first);
      return {
        rows,
        rowsOf: (like) =>
          rowsIn(partsOf(like)[index]?.tensor ?? like, { tensor: like, first, rows }),
        each: (tensor) => windowOf(tensor, part.first + first, { shape: [rows] }),
      };
    }),
  );
}
