// Reverse-mode differentiation of a recorded list. Each operation leaves plain data on the tape, and
// a rule says how a gradient passes back through it; walking the tape backwards appends the rules'
// dispatches to the list. Rules are passed in, so that lists which only run carry none.

import { TransformerError } from './errors.ts';
import { Recomputation } from './recompute.ts';
import type { Recording } from './record.ts';
import type { Tensor } from './tensor.ts';

/** An input of an operation, and how to compute the gradient that reaches it, when it is wanted. */
export type InputGradient = readonly [input: Tensor | undefined, gradient: () => Tensor];

/** One operation on the tape, as plain data. */
export interface TapeEntry {
  /** Names its rule. */
  readonly op: string;
  readonly output: Tensor;
  readonly inputs: readonly (Tensor | undefined)[];
  /** What the rule needs besides. */
  readonly trace?: unknown;
}

/** Whether the gradient that reaches an input is asked for. */
export type IsWanted = (input: Tensor | undefined) => boolean;

/** How gradients pass back: a rule turns the gradient of an operation's output into its inputs'. */
export interface GradientRules {
  /** Adds two gradients of one tensor. */
  readonly add: (a: Tensor, b: Tensor) => Tensor;
  /** By operation. `never`, because each rule takes the entries of its own operation only. */
  readonly rules: Readonly<
    Record<string, (entry: never, gradient: Tensor, isWanted: IsWanted) => readonly InputGradient[]>
  >;
}

/**
 * Appends the gradients of `wanted` to the recording and returns them. `seeds` holds the gradient
 * of each result that counts. A tensor used in several places, a tied weight say, gets the sum.
 * @throws TransformerError INPUT_INVALID when a wanted tensor does not reach any of the results,
 * MODEL_UNSUPPORTED when an operation between has no rule.
 */
export function gradients(
  recording: Recording,
  seeds: ReadonlyMap<Tensor, Tensor>,
  wanted: readonly Tensor[],
  { add, rules }: GradientRules,
): Map<Tensor, Tensor> {
  // Forwards: which tensors depend on a wanted one?
  const depends = new Set(wanted);
  for (const { inputs, output } of recording.tape) {
    if (inputs.some((input) => input !== undefined && depends.has(input))) depends.add(output);
  }
  const isWanted: IsWanted = (input) => input !== undefined && depends.has(input);
  // Backwards: each gradient is complete before its tensor's operation is reached.
  const found = new Map<Tensor, Tensor>();
  const accumulate = (tensor: Tensor, gradient: Tensor): void => {
    const sofar = found.get(tensor);
    found.set(tensor, sofar === undefined ? gradient : add(sofar, gradient));
  };
  for (const [output, gradient] of seeds) accumulate(output, gradient);
  const again = new Recomputation(recording);
  for (const [index, entry] of [...recording.tape.entries()].toReversed()) {
    const { op, output, inputs } = entry;
    const gradient = found.get(output);
    if (gradient === undefined || !inputs.some(isWanted)) continue;
    const rule = rules[op];
    if (rule === undefined) {
      throw new TransformerError(
        'MODEL_UNSUPPORTED',
        `${op}, which computes ${output.describe()}, has no gradient. Freeze all that leads to it.`,
      );
    }
    const { entry: own, given } = again.at(index, entry);
    const isWantedOf: IsWanted = (input) => isWanted(given(input));
    for (const [input, compute] of rule(own as never, gradient, isWantedOf)) {
      const original = given(input);
      if (original !== undefined && depends.has(original)) accumulate(original, compute());
    }
  }
  again.end();
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
