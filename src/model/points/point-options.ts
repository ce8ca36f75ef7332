// What callers say of named points: which to read, and what to put in their place.

import type { DenseTensor } from '../inputs/inputs.ts';

/** Sizes that go by the inputs: sequences, tokens of the text or target, tokens of the source. */
export type SizeName = 'B' | 'T' | 'S';

/** A place inside a model, of which an activation can be read, replaced or added to. */
export interface ModelPoint {
  /** `layers.3.selfAttention.weights`, say: see the table in docs/points.md. */
  readonly name: string;
  /** Its axes: numbers, and the names of those that go by the inputs. */
  readonly shape: readonly (number | SizeName)[];
}

/** A number for all, a vector for the last axis, or a tensor as large as the activation, or with one sequence for all. */
export type PointValue = number | readonly number[] | Float32Array | DenseTensor;

/** What becomes of an activation, where it is asked for. */
export interface PointEdit {
  /** The point, or a pattern: `*` stands for one part of a name. */
  at: string;
  /** Is added, `scale` times. */
  add?: PointValue;
  /** Takes the place of the activation, `scale` times. */
  replace?: PointValue;
  /** The same: what another call has captured, at this point or as a whole. */
  from?: DenseTensor | Readonly<Record<string, DenseTensor>>;
  /** Factor of what is added or put in place, else of the activation; 1 when absent. */
  scale?: number;
  /** The sequences of the batch; all when absent. */
  sequences?: readonly number[];
  /** The positions of tokens, padding counted; in generation from the first token of the prompt on. All when absent. */
  positions?: readonly number[];
  /** The heads, at points that have some; all when absent. */
  heads?: readonly number[];
}

/** What a call asks for at named points. */
export interface PointOptions {
  /** Points to read, by name or pattern: they come back as `captured`. */
  capture?: readonly string[];
  /** What to change on the way, in this order. */
  edit?: readonly PointEdit[];
}
