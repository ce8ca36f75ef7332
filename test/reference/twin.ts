// What a float64 reference of an operation looks like. Each one follows from the formula of the
// operation and the meaning of its bindings, and knows nothing of how a kernel goes about it.

export type Values = Float64Array | Uint32Array;

/** The elements of every bound tensor as they lie in memory, padding included. */
export type Inputs = Readonly<Record<string, Values | undefined>>;
export type Params = Readonly<Record<string, number>>;
export type Constants = Readonly<Record<string, number | boolean>>;

/** The values an operation writes, by binding. */
export type Twin = (inputs: Inputs, params: Params, constants: Constants) => Record<string, Values>;

/**
 * How ill-conditioned a written binding is: the longest sum behind an element, and for each
 * element the sum of the absolute values of all that flows into it. `length` 0 and `magnitude` 0
 * stand for a copy. See test/support/tolerance.ts.
 */
export interface Condition {
  readonly length: number;
  readonly magnitude: number | Float64Array;
}

export type Conditions = (
  inputs: Inputs,
  params: Params,
  constants: Constants,
) => Record<string, Condition>;

/** A reference and how far its results can be trusted to f32. */
export interface Reference {
  readonly twin: Twin;
  readonly conditions: Conditions;
}

/** A tensor of floating-point numbers that must be bound. */
export function floats(inputs: Inputs, name: string): Float64Array {
  const values = inputs[name];
  if (!(values instanceof Float64Array)) throw new TypeError(`the reference needs floats ${name}`);
  return values;
}

/** A tensor of integers that must be bound. */
export function integers(inputs: Inputs, name: string): Uint32Array {
  const values = inputs[name];
  if (!(values instanceof Uint32Array)) throw new TypeError(`the reference needs integers ${name}`);
  return values;
}

/** A scalar that must be given. */
export function scalar(params: Params, name: string): number {
  const value = params[name];
  if (value === undefined) throw new TypeError(`the reference needs the scalar ${name}`);
  return value;
}

/** The largest number of f16. */
const halfRange = 65504;

/**
 * What of these values a cache takes: all as they are, or where `spill` is bound, as in f16, within its range.
 * `spill` becomes 1 where one is beyond it.
 */
export function heldIn(inputs: Inputs, spill: Uint32Array): (values: Float64Array) => Float64Array {
  if (inputs['spill'] === undefined) return (values) => values;
  return (values) =>
    values.map((value) => {
      if (Math.abs(value) > halfRange) spill[0] = 1;
      return Math.max(-halfRange, Math.min(halfRange, value));
    });
}

/** What is in `spill` before; nothing where it is not bound. */
export function spillOf(inputs: Inputs): Uint32Array {
  return inputs['spill'] === undefined ? new Uint32Array(1) : integers(inputs, 'spill').slice();
}
