// Milliseconds of one execution of what is recorded: the median of five submissions, each of as many
// executions as take a while, so that submitting and waiting hardly count.

import { float16ToFloat32, float32ToFloat16 } from '../../src/source/float16.ts';
import { Plan } from '../../src/runtime/plan.ts';
import { Recording } from '../../src/runtime/record.ts';
import { Scope } from '../../src/runtime/scope.ts';
import { elements, type Tensor } from '../../src/runtime/tensor.ts';
import type { Bench } from './device.ts';

export interface Input {
  readonly shape: readonly number[];
  /** f32 by default */
  readonly dtype?: 'f32' | 'f16' | 'u32';
  /** What it holds, again and again; else numbers from -1 to 1, or 0, 1, 2 … for u32. */
  readonly values?: readonly number[];
}

export type Tensors = Readonly<Record<string, Tensor>>;

export interface Case {
  readonly name: string;
  /** Floating-point operations that the result takes, or bytes that must be moved. */
  readonly work: { readonly flops: number } | { readonly bytes: number };
  readonly inputs: Readonly<Record<string, Input>>;
  readonly record: (tensors: Tensors, recording: Recording) => Tensor | undefined;
  /** An element of the result in float64. */
  readonly expected?: (index: number, values: Values) => number;
}

/** An element of an input, as it is stored. */
export type Values = (name: string, index: number) => number;

export interface Figure {
  readonly name: string;
  readonly milliseconds: number;
  readonly by: 'timestamps' | 'wall clock';
  readonly gflops?: number;
  readonly gbPerSecond?: number;
  /** Of a sample, relative to the largest value in it. */
  readonly error?: number;
}

/** A submission takes so many milliseconds, about. */
const span = 40;
const mostExecutions = 512;
/** Inputs are there several times, so that caches do not hold them from one execution to the next. */
const coldBytes = 192 * 2 ** 20;

/** Values from -1 to 1, which begin again after a prime number of them. */
const block = (() => {
  let state = 1;
  return Float32Array.from({ length: 1_000_003 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
})();
const half = float32ToFloat16(block);
const rounded = float16ToFloat32(half);

export async function measure(bench: Bench, one: Case, isSmall: boolean): Promise<Figure> {
  const { gpu } = bench;
  const scope = new Scope(gpu);
  try {
    const bytes = Object.values(one.inputs).reduce(
      (sum, { shape, dtype }) => sum + elements(shape) * (dtype === 'f16' ? 2 : 4),
      0,
    );
    const copies = isSmall ? 1 : Math.max(1, Math.min(16, Math.ceil(coldBytes / bytes)));
    const sets = Array.from({ length: copies }, () => upload(scope, one.inputs));
    const error = await errorOf(bench, one, sets[0] ?? {});
    const first = await timeOf(bench, one, sets, copies);
    const executions = Math.ceil(span / Math.max(first, span / mostExecutions));
    const milliseconds = await timeOf(bench, one, sets, Math.max(copies, executions));
    const { work, name } = one;
    const by = bench.clock === undefined ? 'wall clock' : 'timestamps';
    const rate =
      'flops' in work
        ? { gflops: work.flops / milliseconds / 1e6 }
        : { gbPerSecond: work.bytes / milliseconds / 1e6 };
    return { name, milliseconds, by, ...rate, ...(error !== undefined && { error }) };
  } finally {
    scope.dispose();
  }
}

async function timeOf(
  { gpu, clock }: Bench,
  { record }: Case,
  sets: readonly Tensors[],
  executions: number,
): Promise<number> {
  const recording = new Recording(gpu);
  for (let i = 0; i < executions; i++)
    record(use(recording, sets[i % sets.length] ?? {}), recording);
  const plan = await Plan.create(recording, []);
  const { queue } = gpu.device;
  const times: number[] = [];
  try {
    for (let round = -1; round < 5; round++) {
      const start = performance.now();
      await plan.play();
      await queue.onSubmittedWorkDone();
      const wall = performance.now() - start;
      const time = clock === undefined ? wall : await clock.last();
      // The first one may compile and allocate.
      if (round >= 0) times.push(time / executions);
    }
  } finally {
    plan.dispose();
  }
  return times.toSorted((a, b) => a - b)[2] ?? NaN;
}

async function errorOf(
  { gpu }: Bench,
  { inputs, record, expected }: Case,
  tensors: Tensors,
): Promise<number | undefined> {
  if (expected === undefined) return undefined;
  const recording = new Recording(gpu);
  const result = record(use(recording, tensors), recording);
  if (result === undefined) return undefined;
  const plan = await Plan.create(recording, [result]);
  try {
    const [bytes = new ArrayBuffer(0)] = await plan.play();
    const got = new Float32Array(bytes);
    const values: Values = (name, index) =>
      (inputs[name]?.dtype === 'f16' ? rounded : block)[index % block.length] ?? NaN;
    let [error, size] = [0, 0];
    for (let sample = 0; sample < 32; sample++) {
      const index = Math.min(got.length - 1, Math.floor((sample * got.length) / 31) + 7 * sample);
      const want = expected(index, values);
      const difference = Math.abs((got[index] ?? NaN) - want);
      error = Number.isNaN(difference) ? Infinity : Math.max(error, difference);
      size = Math.max(size, Math.abs(want));
    }
    return error / size;
  } finally {
    plan.dispose();
  }
}

function use(recording: Recording, tensors: Tensors): Tensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, recording.use(tensor)]),
  );
}

function upload(scope: Scope, inputs: Case['inputs']): Tensors {
  const { queue } = scope.gpu.device;
  const tensors: Record<string, Tensor> = {};
  for (const [label, { shape, dtype = 'f32', values: own }] of Object.entries(inputs)) {
    const tensor = scope.tensor({ label, shape, dtype });
    tensors[label] = tensor;
    const count = elements(shape);
    if (tensor.buffer === undefined) throw new RangeError(`${label} is too large for one buffer`);
    if (own !== undefined || dtype === 'u32') {
      const data = dtype === 'u32' ? new Uint32Array(count) : new Float32Array(count);
      queue.writeBuffer(
        tensor.buffer,
        0,
        data.map((_, i) => own?.[i % own.length] ?? i),
      );
      continue;
    }
    const values = dtype === 'f16' ? half : block;
    const data = dtype === 'f16' ? new Uint16Array(count) : new Float32Array(count);
    for (let at = 0; at < count; at += values.length) {
      data.set(values.subarray(0, Math.min(values.length, count - at)), at);
    }
    queue.writeBuffer(tensor.buffer, 0, data);
  }
  return tensors;
}
