// What has the place of self-attention in layers that keep a state of fixed size, and no keys and values.

import type { Tensor } from '../../runtime/tensor.ts';
import type { TokenMemory } from '../../shaders/recurrence/token-memory.ts';

export interface MixOptions {
  /** (B, T), 0 = padding, of whole sequences. */
  readonly mask?: Tensor;
  /** What the tokens go on from; they begin their sequences when absent. */
  readonly memory?: TokenMemory;
  readonly residual?: Tensor | undefined;
}

/** Numbers that are kept of a sequence, of all its tokens together. */
export interface MemorySizes {
  readonly dtype: 'f32';
  readonly width: number;
  readonly places: 1;
}

/** One that says itself how it is recorded. Plain data and methods, so that weights in it can be replaced. */
export interface TokenMixer {
  readonly memory: MemorySizes;
  /** It takes no other layer's keys. */
  readonly keysOf?: undefined;
  /** Appends what it computes of x, + residual. x and result: (B, T, d_model). */
  record(x: Tensor, options: MixOptions): Tensor;
}
