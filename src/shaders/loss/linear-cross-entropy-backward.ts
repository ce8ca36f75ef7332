// The gradients of cross entropy in pieces: the logits of a piece are computed once more, and become their gradient.

import { type InputGradient, once } from '../../runtime/gradient.ts';
import { rowsOf, transientLike } from '../../runtime/parts.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { add } from '../elementwise/add.ts';
import { throughCap } from '../elementwise/scale-backward.ts';
import { columnSum } from '../matmul/columns/column-sum.ts';
import { productOfTransposed } from '../matmul/matmul-backward.ts';
import { product } from '../matmul/matmul-parts.ts';
import type { Rule } from '../traces.ts';
import { appendLossGradient } from './cross-entropy-backward.ts';
import {
  type LinearCrossEntropyEntry,
  logitsOf,
  type RowPiece,
  rowPieces,
} from './linear-cross-entropy.ts';

/** dlogits = (softmax(logits) - target) · dloss; dx = dlogits·W, dW = dlogitsᵀ·x and db = Σ dlogits, piece by piece. */
export const linearCrossEntropyBackward: Rule<LinearCrossEntropyEntry> = (
  { trace },
  dloss,
  isWanted,
) => {
  const { x, layer, label, smoothing, rows } = trace;
  const { weight, bias } = layer;
  const { recording } = dloss;
  const dLogitsOf = (piece: RowPiece): Tensor => {
    const logits = logitsOf(x, layer, piece);
    const dLogits = transientLike(logits, { label: 'd logits' });
    const own = { x: logits, label: piece.each(label), dloss: piece.each(dloss), dx: dLogits };
    appendLossGradient(own, smoothing);
    return layer.softcap === undefined ? dLogits : throughCap(logits, dLogits, layer.softcap);
  };
  // All in one sweep, so that each piece of the logits is computed once.
  const sweep = once(() =>
    recording.frozen(() => {
      const found = new Map<Tensor | undefined, Tensor>();
      const dx = transientLike(x, { label: `d ${x.label}`, recording });
      if (isWanted(x)) found.set(x, dx);
      for (const piece of rowPieces(x, rows)) {
        const dLogits = dLogitsOf(piece);
        if (isWanted(x)) appendInputGradient(dLogits, weight, piece.rowsOf(dx));
        if (isWanted(weight)) {
          found.set(weight, weightGradient(dLogits, piece.rowsOf(x), weight, found.get(weight)));
        }
        if (bias !== undefined && isWanted(bias)) {
          const sum = columnSum(dLogits, `d ${bias.label}`);
          const sofar = found.get(bias);
          found.set(bias, sofar === undefined ? sum : add(sofar, sum));
        }
      }
      return found;
    }),
  );
  const gradientOf = (input: Tensor | undefined): InputGradient => [
    input,
    () => {
      const gradient = sweep().get(input);
      if (gradient === undefined) throw new RangeError('its gradient was not wanted');
      return gradient;
    },
  ];
  return [x, weight, bias].map(gradientOf);
};

/** dlogits·W, to where `dx` lies. */
function appendInputGradient(dLogits: Tensor, weight: Tensor, dx: Tensor): void {
  const [rows, depth] = [rowsOf(dLogits), dLogits.size(-1)];
  const { pitch } = weight;
  const sizes = { batches: 1, rows, columns: dx.size(-1), depth, pitch, weightStride: 0 };
  product({ x: dLogits, weight, y: dx, transposed: false, ...sizes });
}

/** dlogitsᵀ·x and what the pieces before have come to. */
function weightGradient(
  dLogits: Tensor,
  x: Tensor,
  weight: Tensor,
  sofar: Tensor | undefined,
): Tensor {
  const { recording } = dLogits;
  const y = transientLike(weight, { label: `d ${weight.label}`, recording });
  const [depth, rows] = [rowsOf(dLogits), dLogits.size(-1)];
  const columns = x.size(-1);
  const sizes = { batches: 1, rows, columns, depth, pitch: columns, weightStride: 0 };
  productOfTransposed({ x: dLogits, weight: x, residual: sofar, y, transposed: false, ...sizes });
  return y;
}
