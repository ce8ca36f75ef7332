// Segments of parameters for tests: written, updated step by step, and read back.

import { Plan } from '../../src/runtime/plan.ts';
import { Recording } from '../../src/runtime/record.ts';
import type { Tensor } from '../../src/runtime/tensor.ts';
import {
  adam,
  type AdamOptions,
  measureGradients,
  type Segment,
  sgd,
  type SgdOptions,
  type StepTensors,
} from '../../src/shaders/optimizer/optimizer.ts';
import { expect } from 'vitest';
import type { Gpu } from 'webgpu-transformer';
import { type Data, expectStepMatches } from './check.ts';
import type { Random } from './random.ts';

/** Bits of a flag byte: the element is trained, weight decay applies to it. */
export const trainable = 1;
export const decays = 2;

export interface SegmentData {
  readonly parameters: Float32Array<ArrayBuffer>;
  /** One byte an element. */
  readonly flags: Uint8Array<ArrayBuffer>;
  /** 0 when absent. */
  readonly states?: readonly Float32Array<ArrayBuffer>[];
}

export interface StepData {
  readonly rate: number;
  /** 0, no clipping, when absent. */
  readonly maxNorm?: number;
  readonly loss?: number;
  /** One for each segment. */
  readonly gradients: readonly Float32Array<ArrayBuffer>[];
}

/** What a step leaves behind; parameters and states as they lie in memory, to be compared by bits. */
export interface StepResult {
  readonly status: readonly number[];
  readonly counters: readonly number[];
  readonly parameters: readonly Float32Array<ArrayBuffer>[];
  readonly states: readonly (readonly Float32Array<ArrayBuffer>[])[];
}

/** A training step without a model: gradients come from the test. */
export class Stepper {
  readonly #plan: Plan;
  readonly #segments: readonly Segment[];
  readonly #settings: Tensor;
  readonly #loss: Tensor;

  private constructor(
    plan: Plan,
    segments: readonly Segment[],
    tensors: { settings: Tensor; loss: Tensor },
  ) {
    this.#plan = plan;
    this.#segments = segments;
    this.#settings = tensors.settings;
    this.#loss = tensors.loss;
  }

  /** Records the measuring of all gradients, and `update` for each segment with `count` states. */
  static async create(
    recording: Recording,
    data: readonly SegmentData[],
    count: number,
    update: Update,
  ): Promise<Stepper> {
    const write: [Tensor, Data][] = [];
    const tensor = (label: string, values: Data): Tensor => {
      const dtype = values instanceof Uint32Array ? 'u32' : 'f32';
      const made = recording.persistent(label, [values.length], dtype);
      write.push([made, values]);
      return made;
    };
    const segments = data.map(({ parameters, flags, states = [] }) => ({
      parameters: tensor('parameters', parameters),
      gradients: tensor('gradients', new Float32Array(parameters.length)),
      flags: tensor('flags', new Uint32Array(flags.buffer)),
      states: Array.from({ length: count }, (_, i) =>
        tensor(`state ${i}`, states[i] ?? new Float32Array(parameters.length)),
      ),
    }));
    const settings = tensor('settings', new Float32Array(4));
    const status = tensor('status', new Float32Array(4));
    const loss = tensor('loss', new Float32Array(1));
    const counters = tensor('counters', new Uint32Array(4));
    measureGradients(segments, { settings, loss, counters, status });
    for (const segment of segments) update(segment, { settings, status });
    const outputs = [
      status,
      counters,
      ...segments.flatMap(({ parameters, states }) => [parameters, ...states]),
    ];
    const plan = await Plan.create(recording, outputs);
    for (const [target, values] of write) plan.write(target, values);
    return new Stepper(plan, segments, { settings, loss });
  }

  /** Plays one step as a trainer does. */
  async step(data: StepData): Promise<StepResult> {
    this.#write(data);
    const [status, counters, ...rest] = await this.#plan.play();
    const values = rest.map((bytes) => new Float32Array(bytes));
    const each = this.#segments.map(({ states }) => values.splice(0, 1 + states.length));
    return {
      status: [...new Float32Array(status!)],
      counters: [...new Uint32Array(counters!)],
      parameters: each.map(([parameters]) => parameters!),
      states: each.map(([, ...states]) => states),
    };
  }

  /** Plays one step next to the references. */
  async expectMatches(data: StepData, seed: number): Promise<void> {
    this.#write(data);
    await expectStepMatches(this.#plan, { seed });
  }

  #write({ rate, maxNorm = 0, loss = 1, gradients }: StepData): void {
    this.#plan.write(this.#settings, Float32Array.of(rate, maxNorm, 0, 0));
    this.#plan.write(this.#loss, Float32Array.of(loss));
    for (const [i, segment] of this.#segments.entries()) {
      this.#plan.write(segment.gradients, gradients[i]!);
    }
  }
}

/** Records, lets `work` take steps, frees everything. */
export async function withStepper(
  gpu: Gpu,
  data: readonly SegmentData[],
  count: number,
  update: Update,
  work: (stepper: Stepper) => Promise<void>,
): Promise<void> {
  const recording = new Recording(gpu);
  try {
    await work(await Stepper.create(recording, data, count, update));
  } finally {
    recording.dispose();
  }
}

/** Plays a step next to the references. */
export function expectUpdateMatches(stepper: Stepper, data: StepData, seed: number): Promise<void> {
  return stepper.expectMatches(data, seed);
}

export type Update = (segment: Segment, step: StepTensors) => void;

export const plainAdam: Omit<AdamOptions, keyof StepTensors> = {
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  weightDecay: 0,
  decoupled: false,
  amsgrad: false,
};

export const byAdam =
  (options: Partial<AdamOptions> = {}): Update =>
  (segment, step) =>
    adam(segment, { ...plainAdam, ...step, ...options });

export const bySgd =
  (options: Partial<SgdOptions> = {}): Update =>
  (segment, step) =>
    sgd(segment, { momentum: 0.9, weightDecay: 0, ...step, ...options });

/** Every form of update with its number of states. */
export const updates: Record<string, readonly [count: number, Update]> = {
  Adam: [2, byAdam()],
  'Adam, weight decay': [2, byAdam({ weightDecay: 0.1 })],
  'Adam, amsgrad': [3, byAdam({ amsgrad: true, weightDecay: 0.1 })],
  'Adam, no memory': [2, byAdam({ beta1: 0, beta2: 0 })],
  AdamW: [2, byAdam({ decoupled: true, weightDecay: 0.1, beta2: 0.98, eps: 1e-3 })],
  'AdamW, amsgrad': [3, byAdam({ decoupled: true, weightDecay: 0.1, amsgrad: true })],
  SGD: [0, bySgd({ momentum: 0, weightDecay: 0.1 })],
  'SGD, momentum': [1, bySgd()],
  'SGD, dampening': [1, bySgd({ dampening: 0.25, weightDecay: 0.1 })],
  'SGD, Nesterov': [1, bySgd({ nesterov: true, weightDecay: 0.1 })],
};

/** Drawn parameters; some elements are frozen, some do not decay, some neither. */
export function drawnSegment(random: Random, size: number): SegmentData {
  const flags = Uint8Array.from({ length: size }, () => random.integer(0, 3));
  return { parameters: random.values(size), flags };
}

/** Where two tensors differ in a bit, or undefined. */
function firstDifference(
  got: Float32Array<ArrayBuffer>,
  wanted: Float32Array<ArrayBuffer>,
): string | undefined {
  const [a, b] = [new Uint32Array(got.buffer), new Uint32Array(wanted.buffer)];
  if (a.length !== b.length) return `${a.length} elements, wanted ${b.length}`;
  const at = a.findIndex((bits, i) => bits !== b[i]);
  return at < 0 ? undefined : `element ${at} is ${got[at]}, wanted ${wanted[at]}`;
}

/** Expects parameters and states to be the same, bit by bit. */
export function expectSameBits(got: StepResult, wanted: StepResult): void {
  const all = ({ parameters, states }: StepResult): Float32Array<ArrayBuffer>[] => [
    ...parameters,
    ...states.flat(),
  ];
  const expected = all(wanted);
  expect(expected.length).toBe(all(got).length);
  for (const [i, values] of all(got).entries()) {
    expect(firstDifference(values, expected[i]!)).toBeUndefined();
  }
}

/** Everything is trained and decays. */
export function plainSegment(parameters: Float32Array<ArrayBuffer>): SegmentData {
  return { parameters, flags: Uint8Array.from(parameters, () => trainable | decays) };
}
