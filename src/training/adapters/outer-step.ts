// The outer step of DiLoCo: what workers learned in a round moves the common adapter.

import { fieldsOf, refuseUnknown } from '../../runtime/errors.ts';
import { checkPositive, checkRange, checkWhole } from '../check.ts';
import {
  type AdapterTensors,
  type CheckedTensors,
  checkTensors,
  dataOf,
  expectAlike,
  expectFinite,
  mapTensors,
} from './adapter-tensors.ts';

/** What is kept from one outer step to the next. */
export interface OuterState {
  /** The number of steps so far: the version of the adapter that they led to. */
  readonly version: number;
  /** The momentum, in tensors like the adapter's. */
  readonly velocity: AdapterTensors;
}

/** How far an outer step goes. */
export interface OuterStepOptions {
  /** The outer learning rate; 0.7 by default, as in DiLoCo. With momentum 0 and rate 1 the mean is added. */
  learningRate?: number;
  /** Part of the last velocity that goes on; 0.9 by default, as in DiLoCo. */
  momentum?: number;
  /** What the step before gave; absent before the first. */
  state?: OuterState;
}

/** A common adapter that has moved on. */
export interface OuterStep {
  /** Its tensors. */
  readonly adapter: AdapterTensors;
  /** To be handed to the next step. */
  readonly state: OuterState;
}

/**
 * One step of Nesterov's momentum, as PyTorch's SGD has it, with a merged difference Δ in the place of the negative gradient
 * ("DiLoCo: Distributed Low-Communication Training of Language Models", Douillard et al. 2023, arXiv 2311.08105,
 * algorithm 1, line 14): v ← momentum·v + Δ, θ ← θ + learningRate·(Δ + momentum·v). `delta` is what `mergeAdapters` gives.
 * Nothing is changed in place, and the same arguments give the same bits; keep adapter and state together to go on from
 * them later.
 *
 * Departs from the paper: only the tensors of an adapter move, the model stays as it is.
 * @throws TransformerError INPUT_INVALID, OPTION_UNKNOWN, OPTION_INVALID, TENSOR_MISMATCH; TRAINING_DIVERGED where the
 *   result is beyond f32
 * @example
 * const { adapter, state } = outerStep(before, mergeAdapters(deltas, weights), { state: last });
 */
export function outerStep(
  adapter: AdapterTensors,
  delta: AdapterTensors,
  options: OuterStepOptions = {},
): OuterStep {
  const before = checkTensors(adapter, 'The adapter');
  const change = checkTensors(delta, 'The difference');
  expectAlike(change, 'The difference', before, 'the adapter');
  const { learningRate, momentum, version, last = new Map() } = checkOuterOptions(options, before);
  const velocity = mapTensors(before, (name) => {
    const old = dataOf(last, name);
    return finite(
      name,
      dataOf(change, name).map((value, i) => momentum * (old[i] ?? 0) + value),
    );
  });
  const moved = mapTensors(before, (name, { data }) => {
    const [own, speed] = [dataOf(change, name), velocity[name]?.data ?? []];
    const stepOf = (i: number): number => (own[i] ?? 0) + momentum * (speed[i] ?? 0);
    return finite(
      name,
      data.map((value, i) => value + learningRate * stepOf(i)),
    );
  });
  return { adapter: moved, state: { version: version + 1, velocity } };
}

/** Errors: TRAINING_DIVERGED. */
function finite(name: string, data: Float32Array): Float32Array {
  expectFinite(data, `After the step "${name}"`, 'TRAINING_DIVERGED');
  return data;
}

/** Errors: OPTION_UNKNOWN, OPTION_INVALID, INPUT_INVALID, TENSOR_MISMATCH. */
function checkOuterOptions(
  given: unknown,
  adapter: CheckedTensors,
): {
  learningRate: number;
  momentum: number;
  version: number;
  last: CheckedTensors | undefined;
} {
  refuseUnknown(given, ['learningRate', 'momentum', 'state'], 'option of outerStep');
  const options = Object.fromEntries(fieldsOf(given, 'The object of options of outerStep'));
  const { learningRate = 0.7, momentum = 0.9, state } = options;
  checkPositive('learningRate', learningRate);
  checkRange('momentum', momentum, 0, 1);
  const sizes = { learningRate: Number(learningRate), momentum: Number(momentum) };
  if (state === undefined) return { ...sizes, version: 0, last: undefined };
  const fields = Object.fromEntries(fieldsOf(state, 'The state'));
  refuseUnknown(fields, ['version', 'velocity'], 'field of a state');
  const version = checkWhole('state.version', fields['version'], 0);
  const last = checkTensors(fields['velocity'], 'The velocity of the state');
  expectAlike(last, 'The velocity of the state', adapter, 'the adapter');
  return { ...sizes, version, last };
}
