// The checks of the self-test for updates: one step on a small segment next to float64.

import type { Tensor } from '../runtime/tensor.ts';
import {
  accumulate,
  adam,
  adam8bit,
  measureGradients,
  type Segment,
  sgd,
  type StepTensors,
  sumSquares,
} from '../shaders/optimizer/optimizer.ts';
import { clamp, clampInPlace } from '../shaders/elementwise/clamp.ts';
import { watchImportance } from '../shaders/optimizer/importance.ts';
import { gramResidual, orthogonalize } from '../shaders/optimizer/orthogonality.ts';
import { penalize } from '../shaders/optimizer/penalty.ts';
import type { Result } from './checks.ts';
import type { Input, Inputs } from './inputs.ts';
import type { NamedCheck } from './run-check.ts';

export function optimizerChecks(): NamedCheck[] {
  return [
    ['sums of squared gradients', checkSums],
    ['norm and clipping of gradients', checkNorm],
    ['update by AdamW, amsgrad', checkAdam],
    ['update by AdamW, in bytes', checkAdam8bit],
    ['update by SGD with momentum', checkSgd],
    ['sum of gradients', checkAccumulate],
    ['penalties of the size of parameters', checkPenalty],
    ['parameters within bounds', (inputs) => checkBounds(inputs, false)],
    ['parameters within bounds, in place', (inputs) => checkBounds(inputs, true)],
    ['importance of parameters', checkImportance],
    ['what vectors lack of orthonormal ones', checkGramResidual],
    ['slopes of what is not orthonormal', checkOrthogonality],
  ];
}

const size = 132;
const [trainable, decays] = [1, 2];

interface Given {
  readonly segment: Segment;
  readonly parameters: Input;
  readonly gradients: Input;
  readonly states: readonly Input[];
  readonly flags: readonly number[];
}

/** Every fifth element is frozen, every third decays. */
function segmentOf(inputs: Inputs, count: number): Given {
  const [parameters, gradients] = [inputs.floats([size]), inputs.floats([size])];
  const flags = Array.from(
    { length: size },
    (_, i) => (i % 5 === 2 ? 0 : trainable) + (i % 3 === 0 ? decays : 0),
  );
  const words = new Uint32Array(Uint8Array.from(flags).buffer);
  const states = Array.from({ length: count }, () => {
    const data = inputs.values(size).map(Math.abs);
    return { tensor: inputs.tensor([size], data), data };
  });
  const segment = {
    parameters: parameters.tensor,
    gradients: gradients.tensor,
    flags: inputs.tensor([size / 4], words),
    states: states.map(({ tensor }) => tensor),
  };
  return { segment, parameters, gradients, states, flags };
}

/** Third update, learning rate 0.1, gradients halved. */
function stepOf(inputs: Inputs): StepTensors {
  return {
    settings: inputs.tensor([4], Float32Array.of(0.1, 0, 0, 0)),
    status: inputs.tensor([4], Float32Array.of(1, 0.5, 1, 3)),
  };
}

function squaresOf({ gradients, flags }: Given): number {
  return gradients.data.reduce((sum, g, i) => sum + ((flags[i] ?? 0) & trainable) * g * g, 0);
}

function checkBounds(inputs: Inputs, inPlace: boolean): Result {
  const { tensor, data } = inputs.floats([size]);
  const options = { limit: 0.25, gradient: 'inside' } as const;
  const output = inPlace ? tensor : clamp(tensor.recording, tensor, options);
  if (inPlace) clampInPlace(tensor, options.limit);
  return { output, wanted: data.map((p) => Math.min(Math.max(p, -0.25), 0.25)) };
}

function checkSums(inputs: Inputs): Result {
  const given = segmentOf(inputs, 0);
  return { output: sumSquares([given.segment]), wanted: [squaresOf(given), 0, 0, 0] };
}

function checkNorm(inputs: Inputs): Result {
  const given = segmentOf(inputs, 0);
  const status = inputs.tensor([4], new Float32Array(4));
  measureGradients([given.segment], {
    settings: inputs.tensor([4], Float32Array.of(0, 2, 0, 0)),
    loss: inputs.tensor([1], Float32Array.of(1)),
    counters: inputs.tensor([4], Uint32Array.of(2, 0, 0, 0)),
    status,
  });
  const norm = Math.sqrt(squaresOf(given));
  return { output: status, wanted: [norm, 2 / (norm + 1e-6), 1, 3] };
}

/** The updated parameters, where elements are not frozen. */
function updated(given: Given, move: (i: number, decay: number) => number): number[] {
  return Array.from(given.parameters.data, (parameter, i) => {
    const flag = given.flags[i] ?? 0;
    return (flag & trainable) === 0 ? parameter : move(i, flag & decays ? 0.1 : 0);
  });
}

function checkAdam(inputs: Inputs): Result {
  const given = segmentOf(inputs, 3);
  const [beta1, beta2, eps, weightDecay] = [0.9, 0.99, 1e-8, 0.1];
  const options = { beta1, beta2, eps, weightDecay, decoupled: true, amsgrad: true };
  adam(given.segment, { ...stepOf(inputs), ...options });
  const at = (input: Input | undefined, i: number): number => input?.data[i] ?? NaN;
  const [first, second, largest] = given.states;
  const wanted = updated(given, (i, decay) => {
    const g = at(given.gradients, i) / 2;
    const m = beta1 * at(first, i) + (1 - beta1) * g;
    const v = Math.max(at(largest, i), beta2 * at(second, i) + (1 - beta2) * g * g);
    const root = Math.sqrt(v / (1 - beta2 ** 3));
    return (
      at(given.parameters, i) * (1 - 0.1 * decay) - (0.1 * m) / (1 - beta1 ** 3) / (root + eps)
    );
  });
  return { output: given.segment.parameters, wanted };
}

/** A block in the middle, whose states are 0. */
function checkAdam8bit(inputs: Inputs): Result {
  const given = segmentOf(inputs, 0);
  const run = { first: 64, size: 64 };
  const codes = (): Tensor => inputs.tensor([run.size / 4], new Uint32Array(run.size / 4));
  const states = [codes(), codes(), inputs.tensor([2], new Float32Array(2))];
  const [beta1, beta2, eps, weightDecay] = [0.9, 0.99, 1e-8, 0.1];
  const options = { beta1, beta2, eps, weightDecay, decoupled: true };
  adam8bit({ ...given.segment, run, states }, { ...stepOf(inputs), ...options });
  const wanted = updated(given, (i, decay) => {
    const parameter = given.parameters.data[i] ?? NaN;
    if (i < run.first || i >= run.first + run.size) return parameter;
    const g = (given.gradients.data[i] ?? NaN) / 2;
    const root = Math.sqrt(((1 - beta2) * g * g) / (1 - beta2 ** 3));
    const m = ((1 - beta1) * g) / (1 - beta1 ** 3);
    return parameter * (1 - 0.1 * decay) - (0.1 * m) / (root + eps);
  });
  return { output: given.segment.parameters, wanted };
}

function checkSgd(inputs: Inputs): Result {
  const given = segmentOf(inputs, 1);
  sgd(given.segment, { ...stepOf(inputs), momentum: 0.9, weightDecay: 0.1 });
  const wanted = updated(given, (i, decay) => {
    const parameter = given.parameters.data[i] ?? NaN;
    const g = (given.gradients.data[i] ?? NaN) / 2 + decay * parameter;
    return parameter - 0.1 * (0.9 * (given.states[0]?.data[i] ?? NaN) + g);
  });
  return { output: given.segment.parameters, wanted };
}

function checkAccumulate(inputs: Inputs): Result {
  const [a, b] = [inputs.floats([size]), inputs.floats([size])];
  const output: Tensor = inputs.tensor([size], new Float32Array(size).fill(NaN));
  accumulate(output, a.tensor, true);
  accumulate(output, b.tensor, false);
  return { output, wanted: Float64Array.from(a.data, (value, i) => value + (b.data[i] ?? NaN)) };
}

function checkPenalty(inputs: Inputs): Result {
  const { segment, parameters, gradients, flags } = segmentOf(inputs, 0);
  penalize(segment, { l1: 0.3, l2: 0.7 });
  const wanted = Float64Array.from(gradients.data, (gradient, i) => {
    const parameter = parameters.data[i] ?? NaN;
    const slope = 0.3 * Math.sign(parameter) + 0.7 * parameter;
    return gradient + ((flags[i] ?? 0) & decays ? slope : 0);
  });
  return { output: segment.gradients, wanted };
}

function checkImportance(inputs: Inputs): Result {
  const { segment, parameters, gradients, states } = segmentOf(inputs, 2);
  const [sensitivity, uncertainty] = segment.states;
  if (sensitivity === undefined || uncertainty === undefined) throw new RangeError('no states');
  const settings = inputs.tensor([4], Float32Array.of(0, 0, 1, 0));
  const status = inputs.tensor([4], Float32Array.of(1, 0.5, 1, 1));
  const step = { settings, status, beta1: 0.85, beta2: 0.7 };
  watchImportance({ ...segment, sensitivity, uncertainty }, step);
  const wanted = Float64Array.from(parameters.data, (parameter, i) => {
    const own = Math.abs(0.5 * parameter * (gradients.data[i] ?? NaN));
    const mean = 0.85 * (states[0]?.data[i] ?? NaN) + 0.15 * own;
    return 0.7 * (states[1]?.data[i] ?? NaN) + 0.3 * Math.abs(own - mean);
  });
  return { output: uncertainty, wanted };
}

function checkGramResidual(inputs: Inputs): Result {
  const [vectors, length] = [3, 70];
  const { tensor, data } = inputs.floats([vectors, length]);
  const output = gramResidual({ parameter: tensor, areColumns: false });
  return { output, wanted: residualOf(data, { vectors, length }) };
}

/** PPᵀ - I of the rows. */
function residualOf(
  data: ArrayLike<number>,
  { vectors, length }: { readonly vectors: number; readonly length: number },
): Float64Array {
  return Float64Array.from({ length: vectors ** 2 }, (_, element) => {
    const [one, other] = [Math.floor(element / vectors), element % vectors];
    let sum = one === other ? -1 : 0;
    for (let i = 0; i < length; i++) {
      sum += (data[one * length + i] ?? NaN) * (data[other * length + i] ?? NaN);
    }
    return sum;
  });
}

function checkOrthogonality(inputs: Inputs): Result {
  const [vectors, length] = [3, 70];
  const [p, gradient] = [inputs.floats([vectors, length]), inputs.floats([vectors, length])];
  orthogonalize({ parameter: p.tensor, gradient: gradient.tensor, areColumns: false }, 0.5);
  const at = (vector: number, i: number): number => p.data[vector * length + i] ?? NaN;
  const residual = residualOf(p.data, { vectors, length });
  const norm = Math.sqrt(residual.reduce((sum, value) => sum + value ** 2, 0));
  const wanted = Float64Array.from(gradient.data, (before, element) => {
    const [vector, i] = [Math.floor(element / length), element % length];
    const row = residual.subarray(vector * vectors, (vector + 1) * vectors);
    return before + row.reduce((sum, value, other) => sum + value * at(other, i), 0) / norm;
  });
  return { output: gradient.tensor, wanted };
}
