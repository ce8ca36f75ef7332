// What a library brings to the comparison: one training step at a time, on an adapter it is given.

import type { Problem } from './problem.ts';

export interface Side {
  /** Forward, backward and Adam. Resolves with the loss before the update, when all is done. */
  step(): Promise<number>;
  dispose(): void;
}

export interface Library {
  readonly name: string;
  readonly version: string;
  /** Loads the weights; the first step compiles. */
  prepare(problem: Problem): Promise<Side>;
}

/** Weights by the names of problem.ts. */
export function named<T>(weights: Readonly<Record<string, T>>): (name: string) => T {
  return (name) => {
    const weight = weights[name];
    if (weight === undefined) throw new RangeError(`there is no weight ${name}`);
    return weight;
  };
}
