// Plays a recording dispatch by dispatch next to its float64 references. The first dispatch that
// differs is named, so this also finds where a whole model goes wrong.

import { formatsOf } from '../../src/runtime/kernel.ts';
import { Plan, type ReadTensor } from '../../src/runtime/plan.ts';
import { type Dispatch, Recording, type RecordingOptions } from '../../src/runtime/record.ts';
import { Scope } from '../../src/runtime/scope.ts';
import { blocksOf, type Dtype } from '../../src/runtime/dtype.ts';
import type { Tensor } from '../../src/runtime/tensor.ts';
import type { Gpu } from 'webgpu-transformer';
import { references } from '../reference/index.ts';
import type { Condition, Reference, Values } from '../reference/twin.ts';
import { decodeBlocks } from './blocks.ts';
import { tolerance } from './tolerance.ts';
import { decode, storeWeight } from './values.ts';

export type Data = Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>;

export interface CheckOptions {
  /** Values of persistent tensors, written before the first dispatch. */
  readonly write?: readonly (readonly [Tensor, Data])[];
  /** Tensors to bring back. */
  readonly outputs?: readonly Tensor[];
  /** Where the data came from, for the message of a failure. */
  readonly seed?: number;
  /** References to use instead of the true ones, to test the check itself. */
  readonly references?: Readonly<Record<string, Reference>>;
}

/**
 * Expects every tensor that the recording writes to match its reference, given the inputs the GPU
 * had, and every tensor it reads to hold what was last written to it. Leaves the plan to the caller.
 * @returns the plan, and the outputs as they lie in memory.
 */
export async function expectMatchesReference(
  recording: Recording,
  options: CheckOptions = {},
): Promise<{ plan: Plan; outputs: Values[] }> {
  const { write = [], outputs = [] } = options;
  const plan = await Plan.create(recording, outputs);
  for (const [tensor, data] of write) plan.write(tensor, data);
  return { plan, outputs: await expectStepMatches(plan, options) };
}

/** The same for a plan that exists: one more play with whatever its buffers hold. */
export async function expectStepMatches(plan: Plan, options: CheckOptions = {}): Promise<Values[]> {
  const { dispatches } = plan.recording;
  const twins = options.references ?? references;
  const memory: Memory = new Map();
  let read: ReadTensor | undefined;
  await plan.trace(async (dispatch, readBytes) => {
    read = readBytes;
    const { kernel, bindings, constants } = dispatch;
    const where = `dispatch ${dispatches.indexOf(dispatch)}, ${kernel.name}`;
    const reference = twins[kernel.operation];
    if (reference === undefined) throw new Error(`${where}: ${kernel.operation} has no reference`);
    const inputs: Record<string, Values> = {};
    // What rounding goes by, where that is more than the values.
    const sizes: Record<string, Values> = {};
    for (const [name, tensor] of Object.entries(bindings)) {
      if (tensor === undefined) continue;
      const bytes = await readBytes(tensor);
      const values = decode(bytes, tensor.dtype);
      inputs[name] = values;
      if (blocksOf(tensor.dtype)) sizes[name] = decodeBlocks(bytes, tensor.dtype).sizes;
      if (kernel.bindings[name] === 'read') expectUnchanged(memory, tensor, values, where);
    }
    const scalars = scalarsOf(dispatch);
    const wanted = reference.twin(inputs, scalars, constants);
    const conditions = reference.conditions({ ...inputs, ...sizes }, scalars, constants);
    return async () => {
      for (const [name, access] of Object.entries(kernel.bindings)) {
        const tensor = bindings[name];
        if (access !== 'write' || tensor === undefined) continue;
        const got = decode(await readBytes(tensor), tensor.dtype);
        knownOf(memory, tensor).set(extentOf(tensor), got);
        const difference = compare(got, wanted[name], conditions[name], tensor.dtype);
        if (difference === undefined) continue;
        const scalarText = Object.entries(scalars).map(([key, value]) => `${key} ${value}`);
        throw new Error(
          `${where}: ${name} (${tensor.describe()}) ${difference}\n` +
            `seed ${options.seed ?? 'none'}; ${scalarText.join(', ')}; ` +
            `${JSON.stringify(constants)}; ${JSON.stringify(formatsOf(bindings))}`,
        );
      }
    };
  });
  const results: Values[] = [];
  for (const tensor of plan.outputs) results.push(decode(await read!(tensor), tensor.dtype));
  return results;
}

/** The scalars as the GPU gets them: f32 ones rounded. */
function scalarsOf({ kernel, params }: Dispatch): Record<string, number> {
  return Object.fromEntries(
    Object.entries(kernel.params).map(([name, type]) => {
      const value = params[name] ?? NaN;
      return [name, type === 'f32' ? Math.fround(value) : value];
    }),
  );
}

/** What was last seen in a buffer, or in a tensor without one, by the extent of what was read of it. */
type Memory = Map<unknown, Map<string, Values>>;

function knownOf(memory: Memory, tensor: Tensor): Map<string, Values> {
  const key = tensor.buffer ?? tensor.of ?? tensor;
  const known = memory.get(key) ?? new Map<string, Values>();
  memory.set(key, known);
  return known;
}

function extentOf({ offset, byteLength }: Tensor): string {
  return `${offset} ${byteLength}`;
}

/** A tensor must still hold what the dispatch that wrote it left there. */
function expectUnchanged(memory: Memory, tensor: Tensor, values: Values, where: string): void {
  const all = knownOf(memory, tensor);
  const known = all.get(extentOf(tensor));
  const at = known?.findIndex((value, i) => !Object.is(value, values[i])) ?? -1;
  if (at >= 0) {
    throw new Error(
      `${where}: ${tensor.describe()} was overwritten: element ${at} is ${values[at]}, ` +
        `but ${known?.[at]} was written there.`,
    );
  }
  all.set(extentOf(tensor), values);
}

/** How the values differ, or undefined when they match. -∞ stands for any number under -1e38. */
export function compare(
  got: Values,
  wanted: Values | undefined,
  condition: Condition | undefined,
  dtype: Dtype,
): string | undefined {
  if (wanted === undefined || condition === undefined) return 'is not in the reference';
  if (got.length !== wanted.length) return `has ${got.length} elements, wanted ${wanted.length}`;
  const { length, magnitude } = condition;
  let worst = { at: -1, ratio: 1, error: 0, allowed: 0 };
  let count = 0;
  for (let at = 0; at < got.length; at++) {
    const [a, b] = [got[at]!, wanted[at]!];
    if (Object.is(a, b) || (b === -Infinity && a < -1e38 && Number.isFinite(a))) continue;
    const size = typeof magnitude === 'number' ? magnitude : (magnitude[at] ?? 0);
    // What is copied into f16 rounds once; which way, WGSL leaves open.
    const isCopy = dtype === 'f16' && length === 0 && size === 0;
    const allowed = isCopy ? 2 ** -10 * Math.abs(b) + 2 ** -24 : tolerance(dtype, length, size);
    const error = Math.abs(a - b);
    if (error <= allowed) continue;
    count++;
    const ratio = Number.isNaN(error) ? Infinity : error / allowed;
    if (worst.at < 0 || ratio > worst.ratio) worst = { at, ratio, error, allowed };
  }
  if (count === 0) return undefined;
  const { at, error, allowed } = worst;
  return (
    `differs in ${count} of ${got.length} elements, worst at ${at}: got ${got[at]}, ` +
    `wanted ${wanted[at]} (off by ${error.toExponential(2)}, allowed ${allowed.toExponential(2)})`
  );
}

export interface BenchOptions extends Pick<RecordingOptions, 'training' | 'points'> {
  /** Seed and step of random numbers; none when absent. */
  readonly random?: readonly [seed: number, step: number];
}

/** What a test of one operation builds its inputs with. */
export class Bench {
  readonly recording: Recording;
  readonly write: [Tensor, Data][] = [];
  readonly #weights: Scope;

  constructor(gpu: Gpu, { training = false, random, points }: BenchOptions = {}) {
    this.#weights = new Scope(gpu);
    if (random === undefined) {
      this.recording = new Recording(gpu, { training, ...(points && { points }) });
      return;
    }
    const tensor = this.#weights.tensor({ label: 'random', shape: [2], dtype: 'u32' });
    this.recording = new Recording(gpu, { training, random: tensor, ...(points && { points }) });
    this.write.push([tensor, Uint32Array.from(random)]);
  }

  /** An input with these values: u32 for integers, f32 for others. */
  input(label: string, shape: readonly number[], data: Data): Tensor {
    const dtype = data instanceof Uint32Array ? 'u32' : 'f32';
    const tensor = this.recording.persistent(label, shape, dtype);
    this.write.push([tensor, data]);
    return tensor;
  }

  /** A weight in any format, rows padded as loading pads them. */
  weight(shape: readonly number[], data: Float32Array<ArrayBuffer>, dtype: Dtype = 'f32'): Tensor {
    return storeWeight(this.#weights, shape, data, dtype);
  }

  dispose(): void {
    this.recording.dispose();
    this.#weights.dispose();
  }
}

/**
 * Records what `build` calls, plays it next to the references, and frees everything.
 * @returns the tensors that `build` returned, as they lie in memory.
 */
export async function expectOperation(
  gpu: Gpu,
  build: (bench: Bench) => readonly Tensor[],
  options: Omit<CheckOptions, 'write' | 'outputs'> & BenchOptions = {},
): Promise<{ outputs: Values[]; kernels: Dispatch[] }> {
  const bench = new Bench(gpu, options);
  try {
    const outputs = build(bench);
    const { recording, write } = bench;
    const result = await expectMatchesReference(recording, { ...options, write, outputs });
    return { outputs: result.outputs, kernels: recording.dispatches };
  } finally {
    bench.dispose();
  }
}
