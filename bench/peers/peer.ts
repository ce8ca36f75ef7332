// What a library brings to the comparison, in a page of its own.

import type { Case } from './cases.ts';
import type { Given } from './work.ts';

/** A case in one library, its weights on the GPU. */
export interface Running {
  /** The result, whole; of a training step the loss before it. */
  result(): Promise<ArrayLike<number>>;
  /** Computes again and waits until the GPU is done. */
  run(): Promise<void>;
  /** The parts that `run` has, such as tokens, when it is not one. */
  readonly parts?: number;
  /** The token that a step chooses, of libraries that choose on the GPU. */
  readonly token?: number;
}

export interface Peer {
  readonly version: string;
  /** Errors: whatever the library says of a case that it does not run. */
  prepare(one: Case, given: Given): Promise<Running>;
}
