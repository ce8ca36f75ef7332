// What operations leave on the tape for their gradients: plain data, which each declares beside its
// kernel. The rules that read it stand in *-backward.ts, which inference does not import.

import type { InputGradient, IsWanted, TapeEntry } from '../runtime/gradient.ts';
import type { Tensor } from '../runtime/tensor.ts';

/** Values of the scalars that a kernel declares. */
export type Scalars<Declared> = { readonly [Name in keyof Declared]: number };

/**
 * An operation on the tape, with tensors and scalars as the forward pass had them:
 * `recording.differentiate({ … } satisfies …)`.
 */
export type Traced<Op extends string, Trace> = TapeEntry & {
  readonly op: Op;
  readonly trace: Trace;
};

/**
 * How the gradient of an operation's output passes back to its inputs. `isWanted` is for those that compute several
 * of them together.
 */
export type Rule<Entry extends TapeEntry> = (
  entry: Entry,
  gradient: Tensor,
  isWanted: IsWanted,
) => readonly InputGradient[];
