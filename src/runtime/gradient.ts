// Reverse-mode differentiation of a recorded list. Each operation says beside its forward dispatches
// how a gradient passes back through it; walking the list backwards appends those dispatches to it.

import { TransformerError } from './errors.ts';
import type { Recording } from './record.ts';
import type { Tensor } from './tensor.ts';

/** An input of an operation, and how to compute the gradient that reaches it, when it is wanted. */
export type InputGradient = readonly [input: Tensor | undefined, gradient: () => Tensor];

/** One operation on the tape: `backward` gets the gradient of its output. */
export interface TapeEntry {
  readonly output: Tensor;
  readonly inputs: readonly (Tensor | undefined)[];
  readonly backward: (gradient: Tensor) => readonly InputGradient[];
}

/** Adds two gradients of one tensor. */
export type AddGradients = (a: Tensor, b: Tensor) => Tensor;

/**
 * Appends the gradients of `wanted` to the recording and returns them. `seeds` holds the gradient
 * of each result that counts. A tensor used in several places, a tied weight say, gets the sum.
 * @throws TransformerError INPUT_INVALID when a wanted tensor does not reach any of the results.
 */
export function gradients(
  recording: Recording,
  seeds: ReadonlyMap<Tensor, Tensor>,
  wanted: readonly Tensor[],
  add: AddGradients,
): Map<Tensor, Tensor> {
  // Forwards: which tensors depend on a wanted one?
  const depends = new Set(wanted);
  for (const { inputs, output } of recording.tape) {
    if (inputs.some((input) => input !== undefined && depends.has(input))) depends.add(output);
  }
  // Backwards: each gradient is complete before its tensor's operation is reached.
  const found = new Map<Tensor, Tensor>();
  const accumulate = (tensor: Tensor, gradient: Tensor): void => {
    const sofar = found.get(tensor);
    found.set(tensor, sofar === undefined ? gradient : add(sofar, gradient));
  };
  for (const [output, gradient] of seeds) accumulate(output, gradient);
  for (const { output, inputs, backward } of recording.tape.toReversed()) {
    const gradient = found.get(output);
    if (gradient === undefined || !inputs.some((input) => input && depends.has(input))) continue;
    for (const [input, compute] of backward(gradient)) {
      if (input !== undefined && depends.has(input)) accumulate(input, compute());
    }
  }
  const results = new Map<Tensor, Tensor>();
  for (const tensor of wanted) {
    const gradient = found.get(tensor);
    if (gradient === undefined) {
      throw new TransformerError(
        'INPUT_INVALID',
        `${tensor.describe()} has no part in the result, so it has no gradient. Leave it out.`,
      );
    }
    results.set(tensor, gradient);
  }
  return results;
}

/** A value computed at its first use. */
export function once<T>(compute: () => T): () => T {
  let value: { readonly made: T } | undefined;
  return () => (value ??= { made: compute() }).made;
}
